"""One host: connections, requests a second, and a circuit breaker."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from fetcher.contract.outcome import Outcome

if TYPE_CHECKING:
    from fetcher.transfer.ending import Ending

# Failures in a row, none of which brought an answer, after which a host is left alone
# for a while. Then one download at a time finds out whether it is back.
_TRIPPING = 20
_REST_FIRST_S = 1.0
_REST_LONGEST_S = 30.0
_GIVEN_UP = 5  # rests in vain, half a minute of them, after which the rest is not tried

_SILENT = frozenset(
    {
        Outcome.DNS,
        Outcome.CONNECT,
        Outcome.CONNECT_TIMEOUT,
        Outcome.TLS,
        Outcome.READ_TIMEOUT,
        Outcome.CUT,
    }
)


class Host:
    """
    One host and port: what is in flight there, and when it can take more.

    Attributes:
        name: With its port, if the URL has one.

        listed: Whether `Hosts` will look at it by itself.

        last: How the latest failed download ended.
    """

    __slots__ = (
        "_failures",
        "_in_flight",
        "_most",
        "_paced_at",
        "_pause_s",
        "_rests",
        "_rests_until",
        "last",
        "listed",
        "name",
    )

    def __init__(self, name: str, most: int, pause_s: float) -> None:
        self.name = name
        self._most = most
        self._pause_s = pause_s
        self._in_flight = 0
        self._paced_at = 0.0
        self._rests_until = 0.0
        self._failures = 0
        self._rests = 0
        self.listed = False
        self.last: Ending | None = None

    @property
    def given_up(self) -> bool:
        """Whether it has failed so often that nothing more is tried."""
        return self._rests > _GIVEN_UP

    def idle(self, now: float) -> bool:
        """Tell whether nothing is lost when it is forgotten."""
        busy = self._in_flight or self._failures
        return not busy and self._paced_at <= now

    def free_at(self) -> float:
        """Return when it can take one more; infinity: when one has ended."""
        if self._in_flight >= (1 if self._rests else self._most):
            return math.inf
        return max(self._paced_at, self._rests_until)

    def take(self, now: float) -> None:
        """Count one that begins."""
        self._in_flight += 1
        if self._pause_s:
            self._paced_at = max(self._paced_at, now) + self._pause_s

    def ended(self, ending: Ending, now: float, *, is_answered: bool = False) -> None:
        """Count one that ended, and judge whether the host is there at all."""
        self._in_flight -= 1
        if is_answered or ending.status or ending.outcome not in _SILENT:
            self._failures = self._rests = 0
            return
        self.last = ending
        self._failures += 1
        trips = self._rests or self._failures >= _TRIPPING
        if trips and self._rests_until <= now:  # else it was in flight at that time
            rest_s = min(_REST_LONGEST_S, _REST_FIRST_S * 2**self._rests)
            self._rests_until = now + rest_s
            self._rests += 1
