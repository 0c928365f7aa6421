"""The load of the machine during a run, by part of the run."""

from __future__ import annotations

from contextlib import suppress
from threading import Event, Thread
from time import time
from typing import TYPE_CHECKING, Self

import numpy as np
import pandas as pd
import psutil

from fetcher.process.cores import allowed

if TYPE_CHECKING:
    from collections.abc import Sequence

_EVERY_S = 0.5
_BUSY = ("user", "nice", "system", "irq", "softirq")
_IDLE = ("idle", "iowait")
NOTEBOOK, REST = "notebook", "control plane"
# The part a process belongs to, by a whole word of its command line, or the name of
# its program or script: folders may have any name.
_PARTS = {
    "nginx": "origin",
    "origin": "origin",
    "zygote_main.py": "executions",
    "ipykernel_launcher": NOTEBOOK,  # of a grid's cell
}
_PROGRAMS = (".py", "/nginx")
PARTS = ("origin", "executions", REST, NOTEBOOK)
LOAD: dict[str, Sequence[str]] = {  # cores that are busy, and the columns that say so
    "cores_busy": ["busy_s"],  # with anything
    "own_cores": PARTS,
    "execution_cores": ["executions"],
    "origin_cores": ["origin"],
    "stolen_cores": ["stolen_s"],  # the host of a virtual machine gave to others
}


class Load:
    """
    A context that samples processor and memory.

    Only descendants of this process are attributed to parts: all of a local run, unless
    its endpoint was started elsewhere.
    """

    def __init__(self, every_s: float = _EVERY_S) -> None:
        self._every_s = every_s
        self._rows: list[dict[str, float]] = []
        self._over = Event()
        self._thread = Thread(target=self._sample_to_the_end, daemon=True)

    def __enter__(self) -> Self:
        self._rows.append(_sample())
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def table(self) -> pd.DataFrame:
        """
        Return one row per sample.

        Returns:
            Columns at (seconds since 1970), cpu_percent (of the cores that this
            process may use, since the sample before; NaN in the first), busy_s, idle_s,
            stolen_s (of these cores so far; stolen by the host of a virtual machine),
            used_bytes (memory of the whole machine), and the CPU seconds so far of each
            of `PARTS`.
        """
        table = pd.DataFrame(self._rows)
        # Linux counts idle time loosely: it may go back.
        passed = table[["busy_s", "idle_s", "stolen_s"]].diff().clip(lower=0)
        share = passed["busy_s"] / passed.sum(axis=1, min_count=1)
        table.insert(1, "cpu_percent", 100 * share)
        return table

    def during(self, start: float, end: float) -> dict[str, float]:
        """Return the `LOAD` between two times, in cores on average."""
        table = self.table()

        def cores_of(columns: Sequence[str]) -> float:
            used = np.interp([start, end], table["at"], table[[*columns]].sum(axis=1))
            return float(used[1] - used[0]) / (end - start)

        return {name: cores_of(columns) for name, columns in LOAD.items()}

    def _sample_to_the_end(self) -> None:
        is_over = False
        while not is_over:
            is_over = self._over.wait(self._every_s)
            self._rows.append(_sample())


def _sample() -> dict[str, float]:
    """Return a row of `Load.table`; what has added up so far."""
    memory, ours = psutil.virtual_memory(), allowed()
    # The run cannot use the others, and what keeps them busy is none of its work.
    spent = [
        one._asdict()
        for number, one in enumerate(psutil.cpu_times(percpu=True))
        if number in ours
    ]

    def seconds(*names: str) -> float:  # Linux has them all
        return float(sum(one.get(name, 0.0) for one in spent for name in names))

    return {
        "at": time(),
        "busy_s": seconds(*_BUSY),
        "idle_s": seconds(*_IDLE),
        "stolen_s": seconds("steal"),
        "used_bytes": float(memory.total - memory.available),
        **_cpu_s_by_part(),
    }


def _cpu_s_by_part() -> dict[str, float]:
    """Return the CPU seconds of our processes, including ended ones."""
    this = psutil.Process()
    own = this.cpu_times()
    seconds = dict.fromkeys(PARTS, 0.0)
    seconds[NOTEBOOK] = own.user + own.system
    for process in this.children(recursive=True):
        with suppress(psutil.NoSuchProcess):  # it ended, and its parent counts it
            seconds[part_of(process.cmdline())] += sum(process.cpu_times()[:4])
    return seconds


def part_of(command: Sequence[str]) -> str:
    """
    Return the part that a process belongs to.

    >>> part_of(["python", "-m", "origin", "--until-stdin-closes"])
    'origin'
    >>> part_of(["nginx: worker process"])
    'origin'
    >>> part_of(["/home/me/origin/.venv/bin/python", "/home/me/origin/zygote_main.py"])
    'executions'
    >>> part_of(["/home/me/original/.venv/bin/python", "local_aws", "/home/origin"])
    'control plane'
    """
    words = {
        word.rpartition("/")[2] if word.endswith(_PROGRAMS) else word.rstrip(":")
        for word in " ".join(command).split()  # nginx calls itself "nginx: worker ..."
    }
    return next((part for name, part in _PARTS.items() if name in words), REST)
