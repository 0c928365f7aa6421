"""Every host of a source: how hard it is pressed, and what waits for it."""

from __future__ import annotations

import heapq
import math
from collections import deque
from typing import TYPE_CHECKING

from fetcher.transfer.flow.host import Host

if TYPE_CHECKING:
    from fetcher.contract.downloads import Download
    from fetcher.contract.options import Options
    from fetcher.transfer.attempt import Attempt

_MAX_REMEMBERED = 10_000  # hosts; above it the idle ones are forgotten


class Hosts:
    """
    Every host of a source, and the attempts that wait for theirs.

    Args:
        options: Limits per host; 0 stands for none.

    Attributes:
        waiting: Number of attempts that wait.
    """

    def __init__(self, options: Options) -> None:
        self._limit = options.per_host or options.connections
        self._interval_s = 1 / options.host_rate if options.host_rate else 0.0
        self._hosts: dict[str, Host] = {}
        self._queues: dict[str, deque[Attempt]] = {}  # by the host's name; none empty
        self._due: list[tuple[float, int, Host]] = []
        self._listings = 0
        self._max_remembered = _MAX_REMEMBERED
        self.waiting = 0

    def named(self, name: str, now: float) -> Host:
        """Return a host by its name and port."""
        host = self._hosts.get(name)
        if host is None:
            if len(self._hosts) >= self._max_remembered:
                self._forget_idle(now)
            host = self._hosts[name] = Host(name, self._limit, self._interval_s)
        return host

    def hold(self, attempt: Attempt) -> None:
        """Keep an attempt until its host can take it."""
        self._queues.setdefault(attempt.host.name, deque()).append(attempt)
        self.waiting += 1
        self._list(attempt.host)

    def release(self, now: float) -> Attempt | None:
        """Return an attempt whose host can take it now, or has been given up."""
        while self._due and self._due[0][0] <= now:
            _, _, host = heapq.heappop(self._due)
            host.is_listed = False
            queue = self._queues.get(host.name)
            if queue and (host.is_given_up or host.free_at() <= now):
                self.waiting -= 1
                attempt = queue.popleft()
                if not queue:
                    del self._queues[host.name]
                self._list(host)
                return attempt
            self._list(host)
        return None

    def ended(self, attempt: Attempt, download: Download, now: float) -> None:
        """Record how an attempt ended."""
        host = attempt.host
        host.ended(download, now, is_answered=attempt.is_answered)
        if host.name in self._queues:
            self._list(host)

    def wait_s(self, now: float) -> float:
        """Return seconds until `release` may have one; infinity: when one has ended."""
        return max(0.0, self._due[0][0] - now) if self._due else math.inf

    def held(self) -> list[Attempt]:
        """Return all that still wait."""
        return [attempt for queue in self._queues.values() for attempt in queue]

    def _list(self, host: Host) -> None:
        """Make sure that the host is looked at when it can take one more."""
        when = 0.0 if host.is_given_up else host.free_at()
        if host.name in self._queues and not host.is_listed and when < math.inf:
            host.is_listed = True
            self._listings += 1
            heapq.heappush(self._due, (when, self._listings, host))

    def _forget_idle(self, now: float) -> None:
        """Forget idle hosts; again when twice as many as remain are known."""
        self._hosts = {
            name: host
            for name, host in self._hosts.items()
            if name in self._queues or not host.is_idle(now)
        }
        self._max_remembered = max(_MAX_REMEMBERED, 2 * len(self._hosts))
