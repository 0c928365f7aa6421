"""SIGINT and SIGTERM: an early one ends a command in one line, others are handled."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from threading import Event, Thread

import pytest
from tests.support.misbehaving_origin import WAIT_S
from tests.support.running_command import Run
from tests.support.waiting import eventually

from fetcher.command.report.json_lines import line_of
from fetcher.contract.download_results import Download
from fetcher.contract.outcome import Outcome
from fetcher.contract.source import Item
from fetcher.process.signals import SIGNALS, Stops

# Runs a command, and sends it a signal when Python is about to do a certain thing.
INTERRUPTED = """
import os, runpy, sys

command, event, what, number = sys.argv[1:5]
sys.argv[1:5] = []

def hook(happens, about):
    if happens == event and str(about[0]) == what:
        os.kill(os.getpid(), int(number))

sys.addaudithook(hook)
if os.path.exists(command):
    sys.argv[0] = command
    runpy.run_path(command, run_name="__main__")
else:
    runpy.run_module(command, run_name="__main__", alter_sys=True)
"""


def interrupted(command, event, what, *arguments, number=signal.SIGINT):
    words = [sys.executable, "-c", INTERRUPTED, command, event, what]
    return subprocess.run(
        [*words, str(int(number)), *arguments],
        capture_output=True,
        text=True,
        timeout=WAIT_S,
        check=False,
    )


def installed(command):
    return str(Path(sys.executable).with_name(command))


@pytest.mark.parametrize(
    ("command", "module"),
    [
        ("fetcher", "argparse"),
        ("fetcher", "fetcher.lists.url_list"),
        (installed("fetcher"), "fetcher.command.main"),
        ("rollout", "argparse"),
        ("rollout", "rollout.deploy.deployment"),
        (installed("rollout"), "rollout.__main__"),
        (installed("rollout"), "botocore.exceptions"),
        ("experiment", "logging"),
        ("experiment", "experiment.command.arguments"),
        ("experiment", "papermill"),
    ],
)
def test_ctrl_c_while_modules_are_imported_ends_a_command_in_one_line(command, module):
    name = Path(command).name
    arguments = ["none.txt", "--to", "out"] if name == "fetcher" else ["--help"]
    ended = interrupted(command, "import", module, *arguments)

    assert (ended.returncode, ended.stdout) == (130, "")
    assert ended.stderr == f"{name}: interrupted\n"


@pytest.mark.parametrize("number", SIGNALS)
@pytest.mark.parametrize("opened", ["urls.txt", "report.jsonl.part"])
def test_a_signal_before_downloads_ends_fetcher_and_leaves_a_report_as_it_was(
    tmp_path, opened, number
):
    """
    While a list is checked, or an earlier report read.
    """
    run = Run(tmp_path, ["http://h/1"])
    line = line_of(Item(0, "http://h/1"), Download(Outcome.CUT))
    run.report.write_text(line)
    options = ("--to", str(run.out), "--report", str(run.report))
    place, urls = (str(tmp_path / name) for name in (opened, "urls.txt"))
    ended = interrupted("fetcher", "open", place, urls, *options, number=number)

    assert (ended.returncode, ended.stdout) == (130, "")
    assert ended.stderr == "fetcher: interrupted\n"
    assert run.report.read_text() == line
    assert run.out.exists() == (opened != "urls.txt")


def test_a_command_in_the_background_of_a_script_is_not_interrupted():
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # inherited
    try:
        ended = interrupted("fetcher", "import", "argparse", "--help")
    finally:
        signal.signal(signal.SIGINT, before)

    assert (ended.returncode, ended.stderr) == (0, "")


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_ends_fetcher_while_nobody_reads_its_report(tmp_path, number):
    run = Run(tmp_path, ["http://h/1"])
    os.mkfifo(run.report)
    with run.start() as process:
        eventually(run.out.exists)  # the report is opened next, and waits for a reader
        process.send_signal(number)
        status, summary = run.finish()

    assert (status, summary) == (130, None)
    assert run.err == "fetcher: interrupted\n"


def test_a_report_may_be_a_pipe_that_somebody_comes_to_read(tmp_path):
    run = Run(tmp_path, ["http://no.invalid/1"])
    os.mkfifo(run.report)
    with run.start("--attempts", "1"):
        told = run.report.read_text()
        status, _ = run.finish()

    assert status == 1, run.err
    assert told.count('"outcome": "dns"') == 1


def test_a_signal_that_came_early_is_not_forgotten():
    called = Event()
    with Stops() as stops:
        signal.raise_signal(signal.SIGTERM)
        stops.then(called.set)

        assert called.is_set()


def test_another_thread_can_stop_the_main_one():
    called = Event()
    with Stops() as stops:
        stops.then(called.set)
        thread = Thread(target=stops.stop)
        thread.start()
        thread.join()

        assert called.wait(WAIT_S)


def test_afterwards_signals_do_what_they_did_before():
    before = [signal.getsignal(kind) for kind in SIGNALS]
    with Stops():
        pass

    assert [signal.getsignal(kind) for kind in SIGNALS] == before


def test_a_signal_that_is_ignored_stays_so():
    """
    Scripts start what they put into the background that way.
    """
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with Stops() as stops:
            signal.raise_signal(signal.SIGINT)
            came = stops.came
        after = signal.getsignal(signal.SIGINT)
    finally:
        signal.signal(signal.SIGINT, before)

    assert (came, after) == (False, signal.SIG_IGN)
