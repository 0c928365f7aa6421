"""What a run takes of the machine."""

import math
import subprocess
import sys
import time

import pytest

from experiment.run.machine_load import PARTS, Load

BUSY = "import time\nwhile time.process_time() < 0.4: pass"
BUSY_UNTIL_TOLD = f"{BUSY}\ninput()"
ONE_CHILD = f"""
import subprocess, sys, time
from experiment.run.machine_load import Load

def used(part):
    seconds = load.table()[part]
    return seconds.iloc[-1] - seconds.iloc[0]

command = [sys.executable, "-c", {BUSY_UNTIL_TOLD!r}, "nginx"]
with Load() as load, subprocess.Popen(command, stdin=subprocess.PIPE) as child:
    while used("origin") < 0.25:  # as it must be at some time
        assert child.poll() is None
        time.sleep(0.05)
    child.stdin.write(b"enough")
    child.stdin.close()
print(used("executions"))
"""


def used(load, part):
    seconds = load.table()[part]
    return seconds.iloc[-1] - seconds.iloc[0]


def test_samples_say_how_busy_the_processors_are_and_with_what():
    """
    Its own work is the notebook's; how busy they are is since the sample before.
    """
    began = time.time()
    with Load(0.1) as load:
        end = time.process_time() + 0.3
        while time.process_time() < end:
            pass
    table = load.table()
    first, *others = table["cpu_percent"]
    others = [percent for percent in others if not math.isnan(percent)]  # no tick since

    assert used(load, "notebook") >= 0.25
    assert began <= table["at"].min() <= table["at"].max() <= time.time()
    assert set(PARTS) < set(table)
    assert (table["used_bytes"] > 0).all()
    assert math.isnan(first)
    assert others
    assert all(0 <= percent <= 100 for percent in others)


ON_ONE_CORE = """
import os, time
from experiment.run.machine_load import Load

os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
with Load(0.05) as load:
    time.sleep(2)
table = load.table()
passed = table.iloc[-1] - table.iloc[0]
print(sum(passed[["busy_s", "idle_s", "stolen_s"]]) / passed["at"])
"""


def test_only_the_processors_that_the_run_may_use_count():
    done = subprocess.run(
        [sys.executable, "-c", ON_ONE_CORE], capture_output=True, text=True, check=True
    )

    assert float(done.stdout) == pytest.approx(1, abs=0.3)


def test_there_are_two_samples_however_short_the_time():
    with Load() as load:
        pass

    assert len(load.table()) >= 2


def test_a_child_s_work_counts_for_what_it_is():
    """
    Told by its command line, here that of a process which could serve files.

    Seen from a process that has no other children: ours may have endpoints at work.
    """
    command = [sys.executable, "-c", ONE_CHILD]
    told = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)

    assert float(told.stdout) == 0


def test_the_cores_busy_between_two_times_are_those_of_then():
    """
    A run has few samples, and the machine is not so busy before and after it.
    """
    load = Load()
    load._rows += [
        {"at": at, "busy_s": busy_s, "idle_s": 2 * at - busy_s, "stolen_s": at / 10}
        | dict.fromkeys(PARTS, 0.0)
        | {"executions": busy_s / 2}
        for at, busy_s in [(0, 0), (1, 0), (2, 2), (3, 4), (4, 4)]
    ]

    during = load.during(1, 3)
    assert (during["cores_busy"], during["execution_cores"]) == (2, 1)
    assert during["stolen_cores"] == pytest.approx(0.1)
