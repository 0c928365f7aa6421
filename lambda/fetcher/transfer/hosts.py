"""Every host of a job: how hard it is asked, and what waits for it."""

from __future__ import annotations

import heapq
import math
from collections import deque
from typing import TYPE_CHECKING

from fetcher.transfer.host import Host

if TYPE_CHECKING:
    from fetcher.contract.options import Options
    from fetcher.transfer.attempt import Attempt
    from fetcher.transfer.ending import Ending


_REMEMBERED = 10_000  # hosts; the idle ones are forgotten then


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
        self._queues: dict[str, deque[Attempt]] = {}  # by the host's name; none empty
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
        self._queues.setdefault(attempt.host.name, deque()).append(attempt)
        self.waiting += 1
        self._list(attempt.host)

    def release(self, now: float) -> Attempt | None:
        """Return an attempt whose host can take it now, or has been given up."""
        while self._due and self._due[0][0] <= now:
            _, _, host = heapq.heappop(self._due)
            host.listed = False
            queue = self._queues.get(host.name)
            if queue and (host.given_up or host.free_at() <= now):
                self.waiting -= 1
                attempt = queue.popleft()
                if not queue:
                    del self._queues[host.name]
                self._list(host)
                return attempt
            self._list(host)
        return None

    def ended(self, attempt: Attempt, ending: Ending, now: float) -> None:
        """Take in how an attempt ended."""
        host = attempt.host
        host.ended(ending, now, is_answered=attempt.is_answered)
        if host.name in self._queues:
            self._list(host)

    def wait_s(self, now: float) -> float:
        """Return seconds until `release` may have one; infinity: when one has ended."""
        return max(0.0, self._due[0][0] - now) if self._due else math.inf

    def held(self) -> list[Attempt]:
        """Return all that still wait."""
        return [one for queue in self._queues.values() for one in queue]

    def _list(self, host: Host) -> None:
        """See to it that the host is looked at when it can take one more."""
        when = 0.0 if host.given_up else host.free_at()
        if host.name in self._queues and not host.listed and when < math.inf:
            host.listed = True
            self._listings += 1
            heapq.heappush(self._due, (when, self._listings, host))

    def _forget(self, now: float) -> None:
        """Drop idle hosts; twice as many as are left may come before the next time."""
        self._hosts = {
            name: host
            for name, host in self._hosts.items()
            if name in self._queues or not host.idle(now)
        }
        self._most_remembered = max(_REMEMBERED, 2 * len(self._hosts))
