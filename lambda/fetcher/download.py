"""The loop: connections kept busy until the work is done or the deadline is near."""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable
from time import monotonic
from typing import TYPE_CHECKING

from fetcher import __version__, guard
from fetcher.body import Body, Ending
from fetcher.downloads import Download
from fetcher.engines.aiohttp import AiohttpEngine
from fetcher.engines.engine import Attempt
from fetcher.outcome import Outcome, can_heal

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from fetcher.engines.engine import Engine
    from fetcher.options import Options
    from fetcher.sinks.sink import Sink
    from fetcher.source import Item

OnDownload = Callable[[int, "Item", Download], None]

_BACKOFF_FIRST_S = 0.5
_BACKOFF_LONGEST_S = 20.0


def engine_for(options: Options) -> Engine:
    """Return the engine that the options name."""
    about = f"; {options.contact}" if options.contact else ""
    user_agent = f"million-downloads/{__version__} (fetcher{about})"
    return {"aiohttp": AiohttpEngine}[options.engine](options, user_agent)


class Job:
    """
    All the URLs of one source on their way: first tries, retries, endings.

    Args:
        source: What to fetch.

        sink: Where bodies go.

        options: How often and how long to try.

        on_download: Called once a URL when it has ended, with its position in the
            source, the item, and what became of it.
    """

    def __init__(
        self,
        source: Iterable[Item],
        sink: Sink,
        options: Options,
        on_download: OnDownload,
    ) -> None:
        self._items = enumerate(source)
        self._fetchable = self._check(self._items)
        self._sink = sink
        self._options = options
        self._on_download = on_download
        self._began = monotonic()
        self._begun: dict[int, _Begun] = {}
        self._retries: list[tuple[float, int]] = []  # when due, index

    def run(self, engine: Engine, deadline_s: float) -> None:
        """
        Download until all is done or the deadline comes.

        Whatever has not ended by then is accounted for as `unstarted`.
        """
        engine.run(self, deadline_s)
        self._abandon()

    def next(self) -> Attempt | float | None:
        """Return an attempt; or seconds to wait; or None when nothing is left."""
        now = monotonic()
        if self._retries and self._retries[0][0] <= now:
            _, index = heapq.heappop(self._retries)
            return self._attempt(index, self._begun[index], now)
        if fresh := next(self._fetchable, None):
            index, item = fresh
            begun = self._begun[index] = _Begun(item, now)
            return self._attempt(index, begun, now)
        if self._retries:
            return self._retries[0][0] - now
        return None

    def ended(self, attempt: Attempt, ending: Ending) -> None:
        """Try again if that may help and there is time; else pass the ending on."""
        now = monotonic()
        begun = self._begun[attempt.position]
        if begun.tries < self._options.attempts and can_heal(
            ending.outcome, ending.status
        ):
            due = now + max(_backoff(begun.tries), ending.retry_after_s)
            if due < begun.at + self._options.total_timeout_s:
                begun.detail = f"was to be tried again: {ending.detail}"
                heapq.heappush(self._retries, (due, attempt.position))
                return
        self._account(attempt.position, ending, now)

    def _attempt(self, index: int, begun: _Begun, now: float) -> Attempt:
        begun.tries += 1
        left = begun.at + self._options.total_timeout_s - now
        return Attempt(
            index, begun.item, Body(begun.item, self._sink, self._options), left
        )

    def _account(self, index: int, ending: Ending, now: float) -> None:
        begun = self._begun.pop(index)
        self._on_download(
            index,
            begun.item,
            Download(
                outcome=ending.outcome,
                status=ending.status,
                body_bytes=ending.body_bytes,
                started_s=begun.at - self._began,
                seconds=now - begun.at,
                attempts=begun.tries,
                detail=ending.detail,
                path=ending.path,
            ),
        )

    def _abandon(self) -> None:
        now = monotonic()
        for index, begun in list(self._begun.items()):
            self._account(index, Ending(Outcome.UNSTARTED, detail=begun.detail), now)
        for index, item in self._items:
            self._on_download(index, item, Download(Outcome.UNSTARTED))

    def _check(self, items: Iterator[tuple[int, Item]]) -> Iterator[tuple[int, Item]]:
        """Yield items in order; account at once for those that are no URL."""
        for index, item in items:
            try:
                guard.check_url(item.url)
            except guard.BadUrlError as error:
                bad = Download(Outcome.BAD_URL, detail=str(error))
                self._on_download(index, item, bad)
            else:
                yield index, item


class _Begun:
    """A URL that was tried and has not ended."""

    __slots__ = ("at", "detail", "item", "tries")

    def __init__(self, item: Item, at: float) -> None:
        self.item = item
        self.at = at
        self.tries = 0
        self.detail = "broken off at the deadline"


def _backoff(tries: int) -> float:
    """Return seconds to wait: full jitter, so that retries do not come in waves."""
    longest = min(_BACKOFF_LONGEST_S, _BACKOFF_FIRST_S * 2 ** (tries - 1))
    return random.uniform(0, longest)  # noqa: S311 - no secret depends on it
