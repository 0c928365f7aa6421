"""Several processes at one list: dealt, stopped, killed, every URL accounted for."""

import signal

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.misbehaving_origin import WAIT_S, Origin
from tests.support.running_command import Run
from tests.support.waiting import eventually

from fetcher.command.arguments import usual_processes
from fetcher.contract.options import Options
from fetcher.transfer.work_division import shares


@pytest.fixture
def origin():
    with Origin() as origin:
        yield origin


@given(st.integers(0, 200), st.integers(0, 9), st.floats(0, 100), st.integers(1, 9))
def test_processes_together_may_use_what_one_might(
    connections, per_host, host_rate, processes
):
    """
    An origin that asked for two connections must not get two from each process.
    """
    options = Options(connections=connections, per_host=per_host, host_rate=host_rate)
    parts = shares(options, processes)

    assert 1 <= len(parts) <= processes
    assert sum(part.connections for part in parts) == connections
    assert sum(part.per_host for part in parts) == per_host
    assert sum(part.host_rate for part in parts) == pytest.approx(host_rate)
    assert all(part.connections for part in parts) or not connections
    assert all(part.per_host for part in parts) or not per_host


def test_usually_there_is_a_process_for_each_core_but_not_many():
    assert 1 <= usual_processes() <= 4


@pytest.mark.parametrize("processes", [1, 2, 3])
def test_every_url_is_fetched_once_however_many_processes_there_are(
    origin, tmp_path, processes
):
    urls = [origin.url(f"/bytes/{n % 50}/{n}") for n in range(500)]
    run = Run(tmp_path, urls)
    with run.start("--processes", str(processes), "--connections", "9"):
        status, summary = run.finish()

    assert (status, summary["counts"]) == (0, {"ok": 500}), run.err
    assert summary["body_bytes"] == sum(n % 50 for n in range(500))
    assert sorted(run.told()) == sorted(urls)
    asked = [origin.url(request.path) for request in origin.requests]
    assert sorted(asked) == sorted(urls)
    assert len(run.files()) == 500
    assert "500 of 500 files, 500 ok, 0 not" in run.err


@pytest.mark.parametrize("processes", ["1", "2"])
def test_at_the_deadline_all_processes_stop(origin, tmp_path, processes):
    run = Run(tmp_path, [origin.url(f"/silence/{n}") for n in range(1_000)])
    options = ("--processes", processes, "--connections", "4", "--deadline", "1")
    with run.start(*options):
        status, summary = run.finish()

    assert (status, summary["counts"]) == (1, {"unstarted": 1_000})
    assert len(run.told()) == 1_000


@pytest.mark.parametrize(
    ("kind", "processes"),
    [(signal.SIGTERM, "2"), (signal.SIGINT, "2"), (signal.SIGINT, "1")],
)
def test_a_signal_stops_all_processes_and_the_next_run_does_only_the_rest(
    origin, tmp_path, kind, processes
):
    """
    Batch systems send SIGTERM, people Ctrl-C; neither may cost what was done.
    """
    good = [origin.url(f"/bytes/{n}") for n in range(20)]
    later = [origin.url(f"/heals/{n}/60/500") for n in range(30)]
    run = Run(tmp_path, good + later)
    options = ("--connections", "4", "--total-timeout", "300")
    with run.start("--processes", processes, *options) as process:
        origin.wait_for("/heals", len(later))
        run.wait_for_lines(len(good))
        process.send_signal(kind)
        status, summary = run.finish()

    assert (status, summary["counts"]) == (1, {"ok": 20, "unstarted": 30}), run.err
    assert sorted(run.told()) == sorted(good + later)
    assert len(run.files()) == 20
    assert "Traceback" not in run.err

    before = len(origin.requests)
    with run.start("--processes", processes, "--attempts", "1"):
        status, summary = run.finish()

    assert (summary["files"], summary["kept"]) == (50, 20)
    asked = {origin.url(request.path) for request in origin.requests[before:]}
    assert asked == set(later)
    assert sorted(run.told()) == sorted(good + later)


def held(origin, tmp_path, processes):
    """Return a run in which each process waits in vain for the only URL it has."""
    silent = [origin.url(f"/silence/{n}") for n in range(processes)]
    return Run(tmp_path, [*silent, *(origin.url(f"/bytes/{n}") for n in range(40))])


def test_memory_is_that_of_all_processes_together(origin, tmp_path):
    """
    The most each ever held is no less than it holds now; the system counts roughly.
    """
    run = held(origin, tmp_path, 2)
    with run.start("--processes", "2", "--connections", "2") as process:
        origin.wait_for("/silence", 2)
        all_of_them = [psutil.Process(process.pid), *run.children()]
        held_bytes = [one.memory_info().rss for one in all_of_them]
        process.terminate()
        _, summary = run.finish()

    assert len(held_bytes) == 2
    assert summary["peak_rss_bytes"] > 0.9 * sum(held_bytes)


@pytest.mark.parametrize("processes", [2, 3])
def test_killed_processes_cost_what_they_had_in_hand_and_the_others_go_on(
    origin, tmp_path, processes
):
    run = held(origin, tmp_path, processes)
    options = ("--connections", str(processes), "--read-timeout", "5")
    with run.start("--processes", str(processes), "--attempts", "1", *options):
        origin.wait_for("/silence", processes)
        for child in run.children():
            child.kill()
        status, summary = run.finish()

    counts = {"ok": 40, "read_timeout": 1, "unstarted": processes - 1}
    assert (status, summary["counts"]) == (1, counts), run.err
    assert {
        line["detail"] for line in run.told().values() if line["outcome"] == "unstarted"
    } == {"the process downloading it died (signal 9)"}


def test_what_ended_before_a_process_was_killed_is_reported(origin, tmp_path):
    urls = [origin.url(f"/bytes/{n}") for n in range(100)]
    run = Run(tmp_path, [*urls, origin.url("/silence/1"), origin.url("/silence/2")])
    with run.start("--processes", "2", "--connections", "2") as process:
        origin.wait_for("/silence", 2)
        run.wait_for_lines(100)
        run.children()[0].kill()
        process.terminate()
        _, summary = run.finish()

    assert summary["counts"] == {"ok": 100, "unstarted": 2}


def test_when_the_parent_is_killed_its_children_end_and_leave_nothing_unfinished(
    origin, tmp_path
):
    """
    Nobody would know of what they went on to download.
    """
    run = Run(tmp_path, origin.together(4, size=400_000)[:3])  # waits for the fourth
    with run.start("--processes", "3", "--connections", "3") as process:
        origin.wait_for("/together", 3)
        eventually(lambda: len(run.files()) == 3)
        children = run.children()
        process.kill()
        _, left = psutil.wait_procs(children, WAIT_S)

    assert len(children) == 2
    assert left == []
    assert len(run.files()) == 1  # its own


FAILING = """
import sys

from fetcher.command.main import main
from fetcher.sinks import directory

class Failing(directory.Directory):
    def keep(self, item, parts, kind=""):
        raise RuntimeError("a bug")

directory.Directory = Failing
sys.exit(main())
"""


def test_a_bug_is_shown_once_when_all_is_accounted_for(origin, tmp_path):
    run = Run(tmp_path, [origin.url(f"/bytes/{n}") for n in range(100)])
    run.program = ["-c", FAILING]
    with run.start("--processes", "2"):
        status, summary = run.finish()
    details = {line["detail"] for line in run.told().values()}

    assert (status, summary["counts"]) == (2, {"unstarted": 100})
    assert run.err.count("RuntimeError: a bug") == 1
    assert len(run.told()) == 100
    assert details == {"the process downloading it failed"}


def test_a_report_that_cannot_be_written_ends_all_processes(origin, tmp_path):
    run = Run(tmp_path, [origin.url(f"/bytes/{n}") for n in range(100)])
    run.report.symlink_to("/dev/full")
    with run.start("--processes", "2"):
        status, summary = run.finish()

    assert (status, summary) == (2, None)
    assert run.err.endswith("No space left on device\n")
