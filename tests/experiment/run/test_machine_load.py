"""What a run takes of the machine."""

import math
import subprocess
import sys
import time
from collections import defaultdict
from itertools import count
from threading import get_ident

import psutil

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


def test_the_work_of_this_process_is_the_notebook_s():
    with Load() as load:
        end = time.process_time() + 0.3
        while time.process_time() < end:
            pass

    assert used(load, "notebook") >= 0.25


def test_a_child_s_work_counts_for_what_it_is():
    """
    Told by its command line, here that of a process which could serve files.

    Seen from a process that has no other children: ours may have endpoints at work.
    """
    command = [sys.executable, "-c", ONE_CHILD]
    told = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)

    assert float(told.stdout) == 0


def test_samples_are_taken_before_and_after_at_least():
    began = time.time()
    with Load() as load:
        pass
    table = load.table()

    assert len(table) >= 2
    assert began <= table["at"].min() <= table["at"].max() <= time.time()
    assert set(PARTS) < set(table)
    assert (table["used_bytes"] > 0).all()


def test_how_busy_the_processors_are_is_said_since_the_sample_before(monkeypatch):
    """
    Of a thread that asks for the first time psutil knows nothing, and says 0.
    """
    asked = defaultdict(count)
    monkeypatch.setattr(psutil, "cpu_percent", lambda: next(asked[get_ident()]))
    with Load() as load:
        time.sleep(0.6)
    first, *others = load.table()["cpu_percent"]

    assert math.isnan(first)  # there is none before it
    assert others == [1, 2]
