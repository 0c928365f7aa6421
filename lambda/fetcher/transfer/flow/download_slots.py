"""
How many downloads may be at work, and how many may be open.

And what is under way, for whoever shows progress.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from fetcher.contract.outcome import Outcome
from fetcher.transfer.flow.adaptive_limit import AdaptiveLimit

if TYPE_CHECKING:
    from fetcher.contract.download_results import Download

_LEAST_BYTES = 1_000  # fewer are no sign of life: a drip of a byte a second is silent
# One in twenty URLs of a real list holds its connection for 20 s where a good one takes
# half a second: as many slots as there are at work would all be held within seconds.
_OPEN_PER_SLOT = 8
# Bound once: Python 3.11 finds members of an enum slowly.
_OK, _HTTP_STATUS = Outcome.OK, Outcome.HTTP_STATUS
_OVERLOADED = frozenset({429, 500, 502, 503, 504})
_BROKEN = frozenset(
    {
        *(Outcome.CONNECT, Outcome.CONNECT_TIMEOUT, Outcome.READ_TIMEOUT),
        *(Outcome.TOTAL_TIMEOUT, Outcome.CUT),
        Outcome.UNSTARTED,  # for lack of descriptors
    }
)


class UnderWay(NamedTuple):
    """
    URLs that were begun and have not ended.

    Attributes:
        working: Those from which something comes.

        silent: Those from which nothing does, or did: they are tried once more.

        waiting: Those that wait for a host which is limited, busy or gone.

        settling: Those whose bodies have come, and that the sink has not made safe.
    """

    working: int = 0
    silent: int = 0
    waiting: int = 0
    settling: int = 0

    def since(self, before: UnderWay) -> UnderWay:
        """Return the difference."""
        return UnderWay(*(now - then for now, then in zip(self, before, strict=True)))

    def and_more(self, more: UnderWay) -> UnderWay:
        """Return the sum."""
        return UnderWay(*(one + other for one, other in zip(self, more, strict=True)))


class DownloadSlots:
    """
    Count of the downloads in flight.

    Connections count work, not waits: a download from which nothing has come for a
    second gives its slot to another. When it is heard of again it counts again, and
    nobody starts until those at work are fewer than the connections.

    Args:
        connections: Most at work when one starts; 0: see `AdaptiveLimit`.

        room: Most in flight that the process has descriptors for.

    Attributes:
        most_open: Most in flight, the silent included.

        connections: Most at work, for now.

        open: In flight.

        peak: The most there ever were.

        silent: Those of them that have given their slot back.

        learns_from: Downloads begun from then on are reported to `learn`.
    """

    __slots__ = (
        "_limit",
        "connections",
        "learns_from",
        "most_open",
        "open",
        "peak",
        "silent",
    )

    def __init__(self, connections: int, room: int, now: float = 0.0) -> None:
        self._limit = None if connections else AdaptiveLimit(room, now)
        most = connections or room
        self.connections = self._limit.number if self._limit else connections
        self.most_open = max(most, min(_OPEN_PER_SLOT * most, room))
        self.open = self.silent = self.peak = 0
        self.learns_from = self._limit.since if self._limit else math.inf

    def is_full(self) -> bool:
        """Tell whether nobody may start; the limit learns of it."""
        at_work = self.open - self.silent
        if at_work < self.connections and self.open < self.most_open:
            return False
        if self._limit and at_work >= self.connections:
            self._limit.is_full = True
        return True

    @property
    def are_all_silent(self) -> bool:
        """Whether nobody in flight is at work."""
        return self.open == self.silent

    @property
    def over_time(self) -> list[tuple[float, int]]:
        """Seconds since the start, and the connections from then on; a few dozen."""
        return self._limit.samples if self._limit else [(0.0, self.connections)]

    def begin(self) -> bool:
        """Count one that begins; tell whether there are more than ever before."""
        self.open += 1
        if self.open <= self.peak:
            return False
        self.peak = self.open
        return True

    def learn(
        self,
        download: Download,
        begun_at: float,
        now: float,
        *,
        has_answered: bool,
        at_peak: bool = False,
    ) -> None:
        """
        Learn from a download that ended how many connections are of use.

        A failure counts only if its host has answered before. A download that began
        `at_peak`, when there were more than ever before, mostly had to connect: its
        time says nothing of the number.
        """
        limit, outcome = self._limit, download.outcome
        if not limit:
            return
        if outcome is _OK or not is_overload(download):
            if download.status:
                limit.ended(begun_at, now, is_timed=not at_peak)
        elif has_answered or outcome is Outcome.UNSTARTED:
            limit.failed(begun_at, now)
        self.connections, self.learns_from = limit.number, limit.since

    def left(self, put_off: int, waiting: int) -> UnderWay:
        """Return what is under way, with those that were silent or wait for hosts."""
        return UnderWay(self.open - self.silent, self.silent + put_off, waiting)


def is_overload(download: Download) -> bool:
    """
    Tell whether a download ended as it may where too many are in flight.

    >>> from fetcher.contract.download_results import Download
    >>> is_overload(Download(Outcome.HTTP_STATUS, 503))
    True
    >>> is_overload(Download(Outcome.HTTP_STATUS, 404))
    False
    """
    if download.outcome is _HTTP_STATUS:
        return download.status in _OVERLOADED
    return download.outcome in _BROKEN


def is_word(before: int, received: int) -> bool:
    """
    Tell whether the bytes received since are a sign of life.

    >>> is_word(0, 1), is_word(300, 301), is_word(300, 1_300)
    (True, False, True)
    """
    return received - before >= (_LEAST_BYTES if before else 1)
