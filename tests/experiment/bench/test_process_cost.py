"""What a run costs: every process of it counts, and nothing of it stays."""

import contextlib
import os
import select
import subprocess
import sys

import pytest

from experiment.bench.process_cost import _rss_bytes, run

MB = 1_000_000
LIMIT_S = 10
BURN = "import time\nwhile time.process_time() < 0.3: pass"


@pytest.fixture
def cost_of(tmp_path):
    def cost_of(*command, limit_s=60):
        return run(
            command,
            folder=tmp_path,
            environ={},
            output=tmp_path / "output",
            limit_s=limit_s,
        )

    return cost_of


def test_a_run_has_seconds_cpu_memory_a_status_and_what_it_said(cost_of, tmp_path):
    code = f"import sys\n{BURN}\nprint('out', flush=True)\nraise SystemExit('err')"
    cost = cost_of(sys.executable, "-c", code)

    assert cost.status == 1
    assert 0.3 <= cost.cpu_s <= cost.wall_s * 1.1
    assert 5 * MB < cost.peak_rss_bytes < 50 * MB
    assert (tmp_path / "output").read_text() == "out\nerr\n"


def test_cpu_of_child_processes_counts(cost_of):
    """
    A program may share its work out among processes.
    """
    child = f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {BURN!r}])"

    assert cost_of(sys.executable, "-c", child).cpu_s >= 0.3


def test_cpu_counts_of_children_that_are_killed_with_their_parent(cost_of):
    spin = "while :; do :; done"
    cost = cost_of("/bin/sh", "-c", f"({spin}) & wait", limit_s=1)

    assert cost.status == -9
    assert cost.cpu_s > 0.02  # the shell by itself takes a tenth of that
    assert 1 <= cost.wall_s < LIMIT_S


def test_memory_held_for_a_moment_counts(cost_of):
    """
    The samples are 20 ms apart; the kernel keeps the peak of each process.
    """
    cost = cost_of(sys.executable, "-c", f"x = b'x' * {100 * MB}\ndel x\n{BURN}")

    assert 100 * MB < cost.peak_rss_bytes < 150 * MB


def test_memory_of_a_process_and_its_children_is_added_up():
    hold = f"x = b'x' * {50 * MB}; print(flush=True); input()"
    parent = (
        "import subprocess, sys\n"
        f"x = b'x' * {50 * MB}\n"
        f"subprocess.run([sys.executable, '-c', {hold!r}])\n"
    )
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen([sys.executable, "-c", parent], **pipes) as process:
        process.stdout.readline()  # both hold it now
        together = _rss_bytes(process.pid)
        process.communicate(b"\n")

        assert 100 * MB < together < 200 * MB
        assert _rss_bytes(process.pid) == 0  # it has ended


def test_what_a_program_left_running_is_killed_and_who_measures_costs_nothing(
    cost_of, tmp_path
):
    """
    The kernel's ru_maxrss of a child starts with what its parent held.
    """
    held = b"x" * (200 * MB)

    cost = cost_of("/bin/sh", "-c", "sleep 60 >&2 & sleep 0.1; echo $!")
    assert cost.peak_rss_bytes < 10 * MB
    assert held
    pid = int((tmp_path / "output").read_text())
    with contextlib.suppress(ProcessLookupError):
        assert select.select([os.pidfd_open(pid)], [], [], LIMIT_S)[0]
