"""
The memory limit of environments at work: processes above it are killed.

They are checked in turn, so the cost does not grow with their number: with up to 40 at
work each is checked every 50 ms, with 1,000 every 1.3 s. One that exceeds its limit in
between does not escape: when it answers or ends, its peak counts, which the kernel
keeps.

Resident memory counts: the process's own pages and those it shares with the
zygote, which on AWS would be its own too, and the private pages of processes it
started. A control group would leave out the former, and count files in /tmp, which on
AWS are on a disk.
"""

import asyncio
import itertools
from collections.abc import Callable
from dataclasses import dataclass

from local_aws.local_lambda.runtime.processes import process_stats

LOOK_EVERY_S = 0.05
_LOOKS = 40


@dataclass(eq=False, slots=True)
class Watched:
    """
    A process at work.

    Attributes:
        on_excess: Called once it is found above the limit.

        peak_kb: The most memory it was found with, including its children.
    """

    pid: int
    limit_kb: int
    on_excess: Callable[[], None]
    peak_kb: int = 0

    @property
    def is_over_limit(self) -> bool:
        """Whether it ever exceeded its limit."""
        return self.peak_kb > self.limit_kb


class MemoryWatch:
    """The memory checks of processes at work."""

    def __init__(self) -> None:
        # In the order of their checks.
        self._watched: dict[Watched, None] = {}
        self._timer: asyncio.TimerHandle | None = None

    def add(self, watched: Watched) -> None:
        """Check a process from now on."""
        self._watched[watched] = None
        if self._timer is None:
            self._wait()

    def remove(self, watched: Watched) -> None:
        """Stop checking a process, if it is checked."""
        self._watched.pop(watched, None)

    def stop(self) -> None:
        """Stop all checks."""
        self._watched.clear()
        if self._timer is not None:
            self._timer.cancel()

    def _wait(self) -> None:
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(LOOK_EVERY_S, self._look)

    def _look(self) -> None:
        self._timer = None
        for watched in list(itertools.islice(self._watched, _LOOKS)):
            del self._watched[watched]
            used_kb = process_stats.resident_kb(watched.pid)
            watched.peak_kb = max(watched.peak_kb, used_kb)
            if watched.is_over_limit:
                watched.on_excess()
            else:
                self._watched[watched] = None  # at the end: the others come first
        if self._watched:
            self._wait()
