"""One host: connections, requests a second, and a circuit breaker."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from fetcher.contract.outcome import Outcome

if TYPE_CHECKING:
    from fetcher.contract.downloads import Download

# After this many failures in a row without any answer a host rests for a while. Then
# one download at a time finds out whether it is back.
_FAILURES_BEFORE_REST = 20
_FIRST_REST_S = 1.0
_LONGEST_REST_S = 30.0
_MAX_RESTS = 5  # half a minute in all; after that nothing more is tried

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
    One host and port: downloads in flight there, and when it can take more.

    Args:
        name: With its port, if the URL has one.

        limit: Downloads in flight at once.

        interval_s: Seconds between two requests.

    Attributes:
        name: As above.

        is_listed: Whether `Hosts` will look at it by itself.

        failure: How the latest failed download ended.
    """

    __slots__ = (
        "_failures",
        "_in_flight",
        "_interval_s",
        "_limit",
        "_next_at",
        "_rests",
        "_rests_until",
        "failure",
        "is_listed",
        "name",
    )

    def __init__(self, name: str, limit: int, interval_s: float) -> None:
        self.name = name
        self._limit = limit
        self._interval_s = interval_s
        self._in_flight = 0
        self._next_at = 0.0
        self._rests_until = 0.0
        self._failures = 0
        self._rests = 0
        self.is_listed = False
        self.failure: Download | None = None

    @property
    def is_given_up(self) -> bool:
        """Whether it has failed so often that nothing more is tried."""
        return self._rests > _MAX_RESTS

    def is_idle(self, now: float) -> bool:
        """Tell whether it can be forgotten without losing anything."""
        busy = self._in_flight or self._failures
        return not busy and self._next_at <= now

    def free_at(self) -> float:
        """Return when it can take one more; infinity: when a download has ended."""
        if self._in_flight >= (1 if self._rests else self._limit):
            return math.inf
        return max(self._next_at, self._rests_until)

    def start(self, now: float) -> None:
        """Count a download that starts."""
        self._in_flight += 1
        if self._interval_s:
            self._next_at = max(self._next_at, now) + self._interval_s

    def ended(
        self, download: Download, now: float, *, is_answered: bool = False
    ) -> None:
        """Count a download that ended, and judge whether the host is there at all."""
        self._in_flight -= 1
        if is_answered or download.status or download.outcome not in _SILENT:
            self._failures = self._rests = 0
            return
        self.failure = download
        self._failures += 1
        must_rest = self._rests or self._failures >= _FAILURES_BEFORE_REST
        if must_rest and self._rests_until <= now:  # else it began before the rest
            rest_s = min(_LONGEST_REST_S, _FIRST_REST_S * 2**self._rests)
            self._rests_until = now + rest_s
            self._rests += 1
