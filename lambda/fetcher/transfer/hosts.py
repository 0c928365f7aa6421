"""How hard one host is asked: connections, requests a second, and a circuit breaker."""

from __future__ import annotations

import heapq
import math
from collections import deque
from typing import TYPE_CHECKING

from fetcher.contract.outcome import Outcome

if TYPE_CHECKING:
    from fetcher.contract.options import Options
    from fetcher.transfer.ending import Ending
    from fetcher.transfer.engine import Attempt

# Failures in a row, none of which brought an answer, after which a host is left alone
# for a while. Then one download at a time finds out whether it is back.
_TRIPPING = 20
_REST_FIRST_S = 1.0
_REST_LONGEST_S = 30.0
_GIVEN_UP = 5  # rests in vain, half a minute of them, after which the rest is not tried

_REMEMBERED = 10_000  # hosts; the idle ones are forgotten then
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
    One host and port: what is in flight there, and what has to wait.

    Attributes:
        name: With its port, if the URL has one.

        waiting: Attempts that the host cannot take yet, oldest first.

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
        "waiting",
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
        self.waiting: deque[Attempt] = deque()
        self.listed = False
        self.last: Ending | None = None

    @property
    def given_up(self) -> bool:
        """Whether it has failed so often that nothing more is tried."""
        return self._rests > _GIVEN_UP

    def idle(self, now: float) -> bool:
        """Tell whether nothing is lost when it is forgotten."""
        busy = self._in_flight or self.waiting or self._failures
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


class Hosts:
    """
    Every host of a job, and the attempts that wait for theirs.

    Args:
        options: Limits per host; 0 stands for none.
    """

    def __init__(self, options: Options) -> None:
        self._most = options.per_host or options.connections
        self._pause_s = 1 / options.host_rate if options.host_rate else 0.0
        self._hosts: dict[str, Host] = {}
        self._due: list[tuple[float, int, Host]] = []
        self._listings = 0
        self._most_remembered = _REMEMBERED
        self.waiting = 0

    def named(self, name: str, now: float) -> Host:
        """Return a host by its name and port."""
        host = self._hosts.get(name)
        if host is None:
            if len(self._hosts) >= self._most_remembered:
                self._forget(now)
            host = self._hosts[name] = Host(name, self._most, self._pause_s)
        return host

    def hold(self, attempt: Attempt) -> None:
        """Keep an attempt until its host can take it."""
        attempt.host.waiting.append(attempt)
        self.waiting += 1
        self._list(attempt.host)

    def release(self, now: float) -> Attempt | None:
        """Return an attempt whose host can take it now, or has been given up."""
        while self._due and self._due[0][0] <= now:
            _, _, host = heapq.heappop(self._due)
            host.listed = False
            if host.waiting and (host.given_up or host.free_at() <= now):
                self.waiting -= 1
                attempt = host.waiting.popleft()
                self._list(host)
                return attempt
            self._list(host)
        return None

    def ended(self, attempt: Attempt, ending: Ending, now: float) -> None:
        """Take in how an attempt ended."""
        host = attempt.host
        host.ended(ending, now, is_answered=attempt.is_answered)
        if host.waiting:
            self._list(host)

    def wait_s(self, now: float) -> float:
        """Return seconds until `release` may have one; infinity: when one has ended."""
        return max(0.0, self._due[0][0] - now) if self._due else math.inf

    def held(self) -> list[Attempt]:
        """Return all that still wait."""
        return [one for host in self._hosts.values() for one in host.waiting]

    def _list(self, host: Host) -> None:
        """See to it that the host is looked at when it can take one more."""
        when = 0.0 if host.given_up else host.free_at()
        if host.waiting and not host.listed and when < math.inf:
            host.listed = True
            self._listings += 1
            heapq.heappush(self._due, (when, self._listings, host))

    def _forget(self, now: float) -> None:
        """Drop idle hosts; twice as many as are left may come before the next time."""
        self._hosts = {
            name: host for name, host in self._hosts.items() if not host.idle(now)
        }
        self._most_remembered = max(_REMEMBERED, 2 * len(self._hosts))
