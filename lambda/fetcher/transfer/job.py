"""The loop: connections kept busy until the work is done or the deadline is near."""

from __future__ import annotations

import heapq
import math
import random
from collections.abc import Callable
from importlib import import_module
from time import monotonic
from typing import TYPE_CHECKING

from fetcher import __version__
from fetcher.contract.downloads import Download
from fetcher.contract.outcome import Outcome, can_heal
from fetcher.s3.urls import SCHEME, place_of
from fetcher.security import guard
from fetcher.transfer.attempt import Attempt
from fetcher.transfer.body import Body
from fetcher.transfer.ending import Ending
from fetcher.transfer.hosts import Hosts

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fetcher.contract.options import Options
    from fetcher.contract.source import Item
    from fetcher.s3.credentials import Account
    from fetcher.transfer.engine import Engine
    from fetcher.transfer.sink import Sink

OnDownload = Callable[[int, "Item", Download], None]

_BACKOFF_FIRST_S = 0.5
_BACKOFF_LONGEST_S = 20.0
_RETRIES_FREE = 100  # beside as many as there were first tries
_WAITING_MOST = 4_096  # attempts read ahead while their hosts are busy
_CAUGHT_UP_S = 0.02  # while a sink takes nothing more
_ASK_AGAIN_S = 0.1  # while what is left waits for downloads in flight


def engine_for(options: Options) -> Engine:
    """Return the engine that the options name; the others are not even imported."""
    about = f"; {options.contact}" if options.contact else ""
    user_agent = f"million-downloads/{__version__} (fetcher{about})"
    module = import_module(f"fetcher.engines.{options.engine}")
    engine: Engine = module.Engine(options, user_agent)
    return engine


class Transfers:
    """
    All the URLs of one source on their way: first tries, retries, endings.

    Args:
        source: What to fetch.

        sink: Where bodies go.

        options: How often and how long to try.

        on_download: Called once a URL when it has ended, with its position in the
            source, the item, and what became of it.

        tells_rest: Whether that includes URLs that were not come to at all.
    """

    def __init__(
        self,
        source: Iterable[Item],
        sink: Sink,
        options: Options,
        on_download: OnDownload,
        *,
        tells_rest: bool = True,
    ) -> None:
        self._items = enumerate(source)
        self._sink = sink
        self._options = options
        self._on_download = on_download
        self._tells_rest = tells_rest
        self._began = monotonic()
        self._hosts = Hosts(options)
        self._account_in_s3: Account | None = None
        self._in_flight: dict[int, Attempt] = {}
        self._retries: list[tuple[float, int, Attempt]] = []  # when due, position
        self._retries_left = _RETRIES_FREE

    def run(self, engine: Engine, deadline_s: float) -> None:
        """
        Download until all is done or the deadline comes.

        Whatever has not ended by then is accounted for as `unstarted`.
        """
        engine.run(self, deadline_s)
        self._abandon()

    def next(self) -> Attempt | float | None:
        """Return an attempt; or seconds to wait; or None when nothing is left."""
        if self._sink.is_full:
            return _CAUGHT_UP_S
        now = monotonic()
        while attempt := self._due(now) or self._fresh(now):
            if attempt.host.free_at() <= now < (attempt.ends_at or math.inf):
                return self._begin(attempt, now)
            if not self._is_over(attempt, now):
                self._hosts.hold(attempt)
        wait_s = self._retries[0][0] - now if self._retries else math.inf
        if self._hosts.waiting:
            wait_s = min(wait_s, self._hosts.wait_s(now), _ASK_AGAIN_S)
        return max(0.0, wait_s) if wait_s < math.inf else None

    def ended(self, attempt: Attempt, ending: Ending) -> None:
        """Try again if that may help and there is time; else pass the ending on."""
        now = monotonic()
        del self._in_flight[attempt.position]
        self._hosts.ended(attempt, ending, now)
        if (
            ending.outcome is not Outcome.OK
            and attempt.tries < self._options.attempts
            and self._retries_left
            and can_heal(ending.outcome, ending.status)
        ):
            due = now + max(_backoff(attempt.tries), ending.retry_after_s)
            if due < attempt.ends_at:
                self._retries_left -= 1
                attempt.last = ending
                heapq.heappush(self._retries, (due, attempt.position, attempt))
                return
        self._account(attempt, ending, now)

    def _due(self, now: float) -> Attempt | None:
        """Return what was to be tried again by now, or waited for its host."""
        if self._retries and self._retries[0][0] <= now:
            return heapq.heappop(self._retries)[2]
        if self._hosts.waiting:
            return self._hosts.release(now)
        return None

    def _fresh(self, now: float) -> Attempt | None:
        """Return the next of the source; account at once for those that are no URL."""
        if self._hosts.waiting >= _WAITING_MOST:
            return None
        for index, item in self._items:
            host = guard.plain_host(item.url)
            if not host:
                try:
                    host = guard.host_of(self._checked(item.url))
                except guard.BadUrlError as error:
                    bad = Download(Outcome.BAD_URL, detail=str(error))
                    self._on_download(index, item, bad)
                    continue
            return Attempt(index, item, self._hosts.named(host, now))
        return None

    def _checked(self, url: str) -> str:
        """Return a URL that can be fetched, or what stands for it on the web."""
        if self._options.allow_s3 and url.startswith(SCHEME):
            return self._in_s3().address_of(place_of(url))
        guard.check_url(url)
        return url

    def _in_s3(self) -> Account:
        if self._account_in_s3 is None:
            from fetcher.s3.credentials import Account  # noqa: PLC0415 - loads OpenSSL

            try:
                self._account_in_s3 = Account.from_environment()
            except OSError as error:
                raise guard.BadUrlError(str(error)) from error
        return self._account_in_s3

    def _is_over(self, attempt: Attempt, now: float) -> bool:
        """End an attempt that had to wait too long, or whose host is given up."""
        if attempt.last and now >= attempt.ends_at:
            self._account(attempt, attempt.last, now)
            return True
        host = attempt.host
        if host.given_up and host.last and host.free_at() > now:
            detail = (
                f"not tried: the host has failed too often, at last: {host.last.detail}"
            )
            self._account(attempt, host.last._replace(detail=detail), now)
            return True
        return False

    def _begin(self, attempt: Attempt, now: float) -> Attempt:
        attempt.host.take(now)
        if not attempt.tries:
            attempt.began_at = now
            attempt.ends_at = now + self._options.total_timeout_s
            self._retries_left += 1
        attempt.tries += 1
        attempt.is_answered = False
        if attempt.item.url.startswith(SCHEME):  # signed anew, for a signature expires
            place = place_of(attempt.item.url)
            attempt.url = self._in_s3().signed("GET", place)
        attempt.body = Body(attempt.item, self._sink, self._options)
        self._in_flight[attempt.position] = attempt
        return attempt

    def _account(self, attempt: Attempt, ending: Ending, now: float) -> None:
        outcome, status, body_bytes, detail, path, _ = ending
        began_at = attempt.began_at or now
        started_s, seconds = began_at - self._began, now - began_at
        self._on_download(
            attempt.position,
            attempt.item,
            Download(
                outcome,
                status,
                body_bytes,
                started_s,
                seconds,
                attempt.tries,
                detail,
                path,
            ),
        )

    def _abandon(self) -> None:
        now = monotonic()
        waiting = [*self._hosts.held(), *(attempt for *_, attempt in self._retries)]
        for attempt in waiting:
            last = (
                f"was to be tried again: {attempt.last.detail}" if attempt.last else ""
            )
            self._account(attempt, Ending(Outcome.UNSTARTED, detail=last), now)
        for attempt in self._in_flight.values():
            detail = "broken off at the deadline"
            self._account(attempt, Ending(Outcome.UNSTARTED, detail=detail), now)
        if self._tells_rest:
            for index, item in self._items:
                self._on_download(index, item, Download(Outcome.UNSTARTED))


def _backoff(tries: int) -> float:
    """Return seconds to wait: full jitter, so that retries do not come in waves."""
    longest = min(_BACKOFF_LONGEST_S, _BACKOFF_FIRST_S * 2 ** (tries - 1))
    return random.uniform(0, longest)  # noqa: S311 - no secret depends on it
