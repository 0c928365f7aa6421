"""What is tried again, and in which order."""

from __future__ import annotations

import heapq
import math
from typing import TYPE_CHECKING

from fetcher.contract.outcome import Outcome

if TYPE_CHECKING:
    from fetcher.contract.download_results import Download
    from fetcher.transfer.attempt import Attempt

_MOST_PUT_OFF = 10_000  # retries of silence held in memory; more go before the fresh
_SILENCES = frozenset(
    {Outcome.DNS, Outcome.CONNECT, Outcome.CONNECT_TIMEOUT, Outcome.READ_TIMEOUT}
)


def was_silent(download: Download) -> bool:
    """Tell whether an attempt ended in waiting, or found nobody to answer it."""
    return download.outcome in _SILENCES


class Retries:
    """
    Attempts to make again.

    Those that were answered go before fresh URLs, as soon as they are due. Those that
    ended in silence are put off until there are no fresh ones: most end in silence
    again, and take longest to.

    Attributes:
        pending: How many there are.
    """

    def __init__(self) -> None:
        self._answered: list[tuple[float, int, Attempt]] = []  # when due, position
        self._silent: list[tuple[float, int, Attempt]] = []
        self.pending = 0

    def add(self, attempt: Attempt, due: float, *, is_silent: bool) -> None:
        """Keep an attempt until its time has come."""
        heap = self._silent if is_silent else self._answered
        heapq.heappush(heap, (due, attempt.position, attempt))
        self.pending += 1

    def answered(self, now: float) -> Attempt | None:
        """Return one that goes before fresh URLs."""
        if attempt := self._due(self._answered, now):
            return attempt
        if len(self._silent) > _MOST_PUT_OFF:
            return self.silent(now)
        return None

    def silent(self, now: float) -> Attempt | None:
        """Return one that goes after them."""
        return self._due(self._silent, now)

    def _due(
        self, heap: list[tuple[float, int, Attempt]], now: float
    ) -> Attempt | None:
        if not heap or heap[0][0] > now:
            return None
        self.pending -= 1
        return heapq.heappop(heap)[2]

    @property
    def put_off(self) -> int:
        """How many wait because they were silent."""
        return len(self._silent)

    @property
    def any_answered(self) -> bool:
        """Whether one is left that was answered."""
        return bool(self._answered)

    def wait_s(self, now: float) -> float:
        """Return seconds until one is due; infinity: there is none."""
        dues = [heap[0][0] for heap in (self._answered, self._silent) if heap]
        return max(0.0, min(dues) - now) if dues else math.inf

    def all(self) -> list[Attempt]:
        """Return all of them."""
        return [attempt for *_, attempt in self._answered + self._silent]
