"""Every host of a source: how hard it is pressed, and what waits for it."""

from __future__ import annotations

import heapq
import math
from collections import deque
from typing import TYPE_CHECKING

from fetcher.transfer.flow.host import PROBES, Host

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fetcher.contract.download_results import Download
    from fetcher.contract.options import Options
    from fetcher.transfer.attempt import Attempt
    from fetcher.transfer.flow.download_slots import DownloadSlots

_Entry = tuple[float, int, Host]  # when to look at it, number of the entry

_MAX_REMEMBERED = 10_000  # hosts; above it the idle ones are forgotten


class Hosts:
    """
    Every host of a source, and the attempts that wait for theirs.

    Args:
        options: Limits per host; 0 stands for none.

        slots: Of all hosts; one may take them all.

        gone: Names of hosts that others found gone.

    Attributes:
        waiting: Number of attempts that wait.

        heard: Names of the gone that were heard of again.
    """

    def __init__(
        self, options: Options, slots: DownloadSlots, gone: Iterable[str] = ()
    ) -> None:
        self._limit = options.per_host
        self._slots = slots
        self._interval_s = 1 / options.host_rate if options.host_rate else 0.0
        self._hosts: dict[str, Host] = {}
        self._gone = set(gone)
        self._told = frozenset(self._gone)
        self.heard: set[str] = set()
        self._queues: dict[str, deque[Attempt]] = {}  # by the host's name; none empty
        self._due: list[_Entry] = []
        self._last: list[_Entry] = []  # dead hosts
        self._most_wait_s = options.total_timeout_s
        self._listings = 0
        self._max_remembered = _MAX_REMEMBERED
        self.waiting = 0

    def named(self, name: str, now: float) -> Host:
        """Return a host by its name and port."""
        host = self._hosts.get(name)
        if host is None:
            if len(self._hosts) >= self._max_remembered:
                self._forget_idle(now)
            host = Host(name, self._limit, self._interval_s, self._slots)
            self._hosts[name] = host
            if name in self._gone:
                self._gone.remove(name)
                host.tell_gone()
        return host

    def silences(self) -> dict[str, int]:
        """Return the silences of hosts that never answered, the gone first."""
        found = {name: host.silences for name, host in self._hosts.items()}
        silent = filter(found.__getitem__, found)
        return {name: found[name] for name in sorted(silent, key=lambda x: -found[x])}

    def back(self, attempt: Attempt) -> Attempt:
        """Return an attempt that waited elsewhere; its host may have been forgotten."""
        attempt.host = self._hosts.setdefault(attempt.host.name, attempt.host)
        return attempt

    def hold(self, attempt: Attempt, *, goes_first: bool = False) -> None:
        """Keep an attempt until its host can take it: behind the others, or before."""
        queue = self._queues.setdefault(attempt.host.name, deque())
        (queue.appendleft if goes_first else queue.append)(attempt)
        self.waiting += 1
        self._list(attempt.host)

    def release(self, now: float) -> Attempt | None:
        """Return an attempt whose host can take it now, or has been given up."""
        return self._from(self._due, now)

    def release_last(self, now: float) -> Attempt | None:
        """Return one whose host is dead: it has a last try when all else is done."""
        return self._from(self._last, now)

    def _from(self, heap: list[_Entry], now: float) -> Attempt | None:
        while heap and heap[0][0] <= now:
            _, listing, host = heapq.heappop(heap)
            if listing != host.listing:
                continue
            host.listing = 0
            queue = self._queues[host.name]
            if host.is_given_up or host.free_at() <= now:
                self.waiting -= 1
                attempt = queue.popleft()
                if not queue:
                    del self._queues[host.name]
                self._list(host)
                return attempt
            self._list(host)
        return None

    def refused(
        self, attempt: Attempt, download: Download, wait_s: float, now: float
    ) -> None:
        """Record that a host is asked too much."""
        host = attempt.host
        host.refused(download, attempt.begun_at, wait_s, self._most_wait_s, now)
        self._note_heard(host)
        self._relist(host)

    def ended(self, attempt: Attempt, download: Download, now: float) -> None:
        """Record how an attempt ended."""
        host = attempt.host
        was_dead = host.is_dead
        host.ended(download, now, attempt.is_answered)
        if was_dead:
            self._note_heard(host)
        if host.name in self._queues:
            (self._relist if was_dead or host.is_dead else self._list)(host)

    def _note_heard(self, host: Host) -> None:
        if not host.is_dead and host.name in self._told:
            self.heard.add(host.name)

    def wait_s(self, now: float) -> float:
        """Return seconds until one may be released; infinity: when one has ended."""
        whens = [heap[0][0] for heap in (self._due, self._last) if heap]
        return max(0.0, min(whens) - now) if whens else math.inf

    @property
    def any_alive(self) -> bool:
        """Whether one waits whose host is not dead."""
        return any(not queue[0].host.is_dead for queue in self._queues.values())

    def are_few_at(self, host: Host) -> bool:
        """Tell whether so few wait for a host that each has had a try of its own."""
        return len(self._queues.get(host.name, ())) <= PROBES

    def held(self) -> list[Attempt]:
        """Return all that still wait."""
        return [attempt for queue in self._queues.values() for attempt in queue]

    def _list(self, host: Host) -> None:
        """Make sure that the host is looked at when it can take one more."""
        if not host.listing and host.name in self._queues:
            self._relist(host)

    def _relist(self, host: Host) -> None:
        """Look at it at another time than was thought before."""
        host.listing = 0
        when = 0.0 if host.is_given_up else host.free_at()
        if host.name in self._queues and when < math.inf:
            self._listings += 1
            host.listing = self._listings
            heap = self._last if host.is_dead and not host.is_given_up else self._due
            heapq.heappush(heap, (when, self._listings, host))

    def _forget_idle(self, now: float) -> None:
        """Forget idle hosts; again when twice as many as remain are known."""
        self._hosts = {
            name: host
            for name, host in self._hosts.items()
            if name in self._queues or not host.is_idle(now)
        }
        self._max_remembered = max(_MAX_REMEMBERED, 2 * len(self._hosts))
