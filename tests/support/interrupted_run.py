"""A run that gets Ctrl-C, and what is left of it and its processes."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

WAIT_S = 60  # upper bound of every wait here; nothing takes it unless it is broken


class Interrupted:
    """
    A run of ``20_fan_out`` that gets Ctrl-C at some point, and what it left.

    Args:
        folder: Where its results and its temporary files go, each in a folder.
    """

    def __init__(self, folder):
        self.results = folder / "run"
        self.scratch = folder / "scratch"
        self.scratch.mkdir()
        self._mark = f"INTERRUPTED_TEST={folder}"

    def run(self, moment, *, times=1):
        """Interrupt it at that moment, once or several times in a row."""
        name, _, value = self._mark.partition("=")
        command = subprocess.Popen(
            [
                *(sys.executable, "-m", "experiment", "20_fan_out"),
                *("-p", "files", "20000"),
                *("-p", "shards_per_execution", "1000"),
                *("-p", "run_folder", str(self.results)),
            ],
            env=os.environ | {name: value, "TMPDIR": str(self.scratch)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        try:
            until(lambda: moment() or command.poll() is not None)
            self.family = descendants(command.pid)
            for _ in range(times):
                os.killpg(command.pid, signal.SIGINT)  # as a terminal does
                time.sleep(0.05)
            self.out, self.err = command.communicate(timeout=WAIT_S)
        finally:
            if command.poll() is None:
                os.killpg(command.pid, signal.SIGKILL)
                command.communicate()
        return command.returncode

    def leaves_nothing_behind(self):
        """Wait until no process of it is left, nor any temporary file."""
        until(lambda: not self.family & running() and not marked(self._mark))
        until(lambda: not list(self.scratch.iterdir()))


def until(is_so):
    """Wait for something that must come."""
    give_up_at = time.monotonic() + WAIT_S
    while not is_so():
        assert time.monotonic() < give_up_at, "it did not come"
        time.sleep(0.05)


def lines(path):
    return path.read_bytes().count(b"\n") if path.exists() else 0


def processes():
    """Yield id, parent and start of every process there is."""
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                stat = (folder / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue  # it has just ended
            if stat[0] != "Z":
                yield int(folder.name), int(stat[1]), stat[19]


def running():
    return {(pid, start) for pid, _, start in processes()}


def descendants(ancestor):
    """Ids, with starts, of a process's children and theirs."""
    there = list(processes())
    found, size = {ancestor}, 0
    while size < len(found):
        size = len(found)
        found |= {pid for pid, parent, _ in there if parent in found}
    return {(pid, start) for pid, _, start in there if pid in found - {ancestor}}


def marked(mark):
    """Ids of processes that carry a variable of ours, whoever their parent is."""
    found = set()
    for pid, _, _ in processes():
        try:
            if mark.encode() in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0"):
                found.add(pid)
        except OSError:
            continue
    return found
