"""Lists that a program writes while they are downloaded."""

import signal

import psutil
import pytest
from tests.support.running_command import Run
from tests.support.waiting import WAIT_S


@pytest.fixture
def run(tmp_path):
    run = Run(tmp_path, [])
    run.is_piped = True
    return run


def write(process, lines):
    print(*lines, sep="\n", file=process.stdin, flush=True)


@pytest.mark.parametrize("processes", ["1", "2"])
def test_each_line_is_fetched_before_the_program_writes_another(run, origin, processes):
    urls = [origin.url(f"/bytes/{n}") for n in range(600)]
    with run.start("--processes", processes) as process:
        for n in range(3):
            write(process, [urls[n]])
            run.wait_for_lines(n + 1)
            assert len(run.files()) == n + 1
        write(process, [*urls[3:], urls[0]])
        status, summary = run.finish()

    assert (status, summary["counts"]) == (1, {"ok": 600, "duplicate": 1}), run.err
    assert "601: duplicate: repeats the URL of row 1" in run.err


@pytest.mark.parametrize("kind", [signal.SIGINT, signal.SIGKILL])
def test_a_run_that_ends_before_the_program_does_is_resumed(run, origin, kind):
    urls = [origin.url(f"/bytes/{n}") for n in range(8)]
    with run.start("--processes", "2") as process:
        write(process, urls[:5])
        run.wait_for_lines(5)
        children = run.children()
        process.send_signal(kind)
        process.wait(WAIT_S)  # the program goes on to hold the pipe open
        _, left = psutil.wait_procs(children, WAIT_S)
        status, summary = run.finish()

    assert left == []
    if kind == signal.SIGINT:
        assert (status, summary["counts"]) == (2, {"ok": 5})
        assert "was read only up to row 5, because the run ended first" in run.err

    asked = len(origin.requests)
    with run.start() as process:
        write(process, urls)
        status, summary = run.finish()

    assert (status, summary["kept"], summary["ok"]) == (0, 5, 8), run.err
    assert len(origin.requests) == asked + 3
    assert sorted(run.told()) == urls


def test_a_list_that_turns_out_to_be_another_file_is_refused_late(run, origin):
    urls = [origin.url(f"/bytes/{n}") for n in range(3)]
    with run.start() as process:
        write(process, urls)
        run.wait_for_lines(3)
        write(process, ["nonsense"] * 4)
        status, summary = run.finish()

    assert (status, summary["ok"]) == (2, 3)
    assert "4 of its 7 rows cannot be used; nothing more was fetched" in run.err


def test_what_begins_with_nonsense_is_not_fetched_before_there_is_enough(run, origin):
    with run.start() as process:
        write(process, ["nonsense", origin.url("/bytes/never"), "nonsense"])
        status, summary = run.finish()

    assert (status, summary) == (2, None)
    assert run.err.startswith("fetcher: -: 2 of its 3 rows cannot be used; nothing was")
    assert not any(one.path == "/bytes/never" for one in origin.requests)


FAILING_ONCE = """
import sys

from fetcher.command.accounting import Accounting
from fetcher.command.main import main

usual = Accounting.tick

def first(account):
    Accounting.tick = second
    raise RuntimeError("a bug")

def second(account):
    Accounting.tick = usual
    print("it goes on", file=sys.stderr, flush=True)

Accounting.tick = first
sys.exit(main())
"""


def test_after_an_error_in_one_process_the_others_go_on(run, origin):
    urls = [origin.url(f"/bytes/{n}") for n in range(50)]
    run.program = ["-c", FAILING_ONCE]
    with run.start("--processes", "2") as process:
        write(process, urls)
        said = process.stderr.readline()
        status, summary = run.finish()

    assert (said, status, summary["files"]) == ("it goes on\n", 2, 50), run.err
    assert run.err.count("RuntimeError: a bug") == 1
    assert sorted(run.told()) == sorted(urls)
