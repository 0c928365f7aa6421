"""The load of the machine during a run, by part of the run."""

from __future__ import annotations

import math
from contextlib import suppress
from threading import Event, Thread
from time import time
from typing import TYPE_CHECKING, Self

import numpy as np
import pandas as pd
import psutil

from fetcher.process.cores import cores

if TYPE_CHECKING:
    from collections.abc import Sequence

_EVERY_S = 0.5
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


class Load:
    """
    A context that samples processor and memory twice a second.

    Only descendants of this process are attributed to parts: all of a local run, unless
    its endpoint was started elsewhere.
    """

    def __init__(self) -> None:
        self._rows: list[dict[str, float]] = []
        self._over = Event()
        self._thread = Thread(target=self._sample_to_the_end, daemon=True)

    def __enter__(self) -> Self:
        self._sample(math.nan)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def table(self) -> pd.DataFrame:
        """
        Return one row per sample.

        Returns:
            Columns at (seconds since 1970), cpu_percent (of all cores, since the
            sample before; NaN in the first), used_bytes (memory of the whole machine),
            and the CPU seconds so far of each of `PARTS`.
        """
        return pd.DataFrame(self._rows)

    def during(self, shards: pd.DataFrame) -> dict[str, float]:
        """
        Return how many cores were busy on average during a run.

        Returns:
            cores_busy, by anything; own_cores, by this process and its descendants;
            execution_cores and origin_cores, by these among them.
        """
        table = self.table()
        start = float(shards["invoked_at"].min())
        end = float(shards["answered_at"].max())
        during = table[(table["at"] > start) & (table["at"] <= end + _EVERY_S)]

        def cores_of(parts: Sequence[str]) -> float:
            used = np.interp([start, end], table["at"], table[list(parts)].sum(axis=1))
            return float(used[1] - used[0]) / (end - start)

        return {
            "cores_busy": float(during["cpu_percent"].mean()) / 100 * cores(),
            "own_cores": cores_of(PARTS),
            "execution_cores": cores_of(["executions"]),
            "origin_cores": cores_of(["origin"]),
        }

    def _sample_to_the_end(self) -> None:
        psutil.cpu_percent()  # the first call of a thread starts its clock
        is_over = False
        while not is_over:
            is_over = self._over.wait(_EVERY_S)
            self._sample(psutil.cpu_percent())

    def _sample(self, cpu_percent: float) -> None:
        memory = psutil.virtual_memory()
        self._rows.append(
            {
                "at": time(),
                "cpu_percent": cpu_percent,
                "used_bytes": float(memory.total - memory.available),
                **_cpu_s_by_part(),
            }
        )


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
