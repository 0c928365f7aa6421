"""A run that gets Ctrl-C, and what is left of it and its processes."""

import os
import signal
import subprocess
import sys
import time

import psutil
from tests.support.child_processes import alive
from tests.support.waiting import WAIT_S, eventually

REPORTED = 10  # of 20 invocations, when an origin holds all further files


def held(origin_url):
    """Return parameters of a run that stands still after that many reports."""
    return {
        "origin_url": origin_url,
        "files": 40,
        "file_kb": 1,
        "shards_per_execution": 10,
        "shard_sizes": "equal",
    }


class Interrupted:
    """
    A run of ``20_fan_out`` that gets Ctrl-C at some point, and what it left.

    Args:
        folder: Where its results and its temporary files go, each in a folder.

        parameters: Further ones of the notebook.
    """

    def __init__(self, folder, **parameters):
        self._options = [
            text for pair in parameters.items() for text in ("-p", *map(str, pair))
        ]
        self.results = folder / "run"
        self.scratch = folder / "scratch"
        self.scratch.mkdir()
        self._mark = {"INTERRUPTED_TEST": str(folder)}

    def run(self, moment, *, times=1, again=None):
        """
        Interrupt it at that moment, once or several times in a row.

        ``again`` is the moment to do it once more.
        """
        command = subprocess.Popen(
            [
                *(sys.executable, "-m", "experiment", "20_fan_out"),
                *("-p", "run_folder", str(self.results)),
                *self._options,
            ],
            env=os.environ | self._mark | {"TMPDIR": str(self.scratch)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        try:
            eventually(lambda: moment() or command.poll() is not None, within_s=WAIT_S)
            self.family = psutil.Process(command.pid).children(recursive=True)
            for _ in range(times):
                os.killpg(command.pid, signal.SIGINT)  # as a terminal does
                time.sleep(0.05)
            if again:
                eventually(
                    lambda: again() or command.poll() is not None, within_s=WAIT_S
                )
                os.killpg(command.pid, signal.SIGINT)
            self.out, self.err = command.communicate(timeout=WAIT_S)
        finally:
            if command.poll() is None:
                os.killpg(command.pid, signal.SIGKILL)
                command.communicate()
        return command.returncode

    def leaves_nothing_behind(self):
        """Wait until no process of it is left, nor any temporary file."""
        eventually(lambda: not any(map(alive, self.family)), within_s=WAIT_S)
        eventually(lambda: not self._marked(), within_s=WAIT_S, every_s=0.2)
        eventually(lambda: not list(self.scratch.iterdir()), within_s=WAIT_S)

    def _marked(self):
        """Return processes that have a variable of ours, whoever their parent is."""
        found = psutil.process_iter(["environ"])
        return [
            one
            for one in found
            if self._mark.items() <= (one.info["environ"] or {}).items() and alive(one)
        ]


def lines(path):
    return path.read_bytes().count(b"\n") if path.exists() else 0
