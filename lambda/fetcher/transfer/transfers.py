"""The loop: connections kept busy until the work is done or the deadline is near."""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable
from importlib import import_module
from time import monotonic
from typing import TYPE_CHECKING

from fetcher import __version__
from fetcher.backoff import full_jitter
from fetcher.contract.downloads import Download
from fetcher.contract.outcome import Outcome, can_heal
from fetcher.s3.urls import SCHEME, place_of
from fetcher.security import guard
from fetcher.transfer.attempt import Attempt
from fetcher.transfer.body import Body
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
_FREE_RETRIES = 100  # on top of one for each first try
_MAX_WAITING = 4_096  # attempts read ahead while their hosts are busy
_SINK_FULL_WAIT_S = 0.02
_HOSTS_BUSY_WAIT_S = 0.1


def engine_for(options: Options) -> Engine:
    """Return the engine that the options name, without importing the others."""
    contact = f"; {options.contact}" if options.contact else ""
    user_agent = f"million-downloads/{__version__} (fetcher{contact})"
    module = import_module(f"fetcher.engines.{options.engine}")
    engine: Engine = module.Engine(options, user_agent)
    return engine


class Transfers:
    """
    All URLs of one source on their way: first tries, retries, endings.

    Args:
        source: What to fetch.

        sink: Where bodies go.

        options: How often and how long to try.

        on_download: Called once for each URL when it has ended, with its position in
            the source, the item, and how it ended.

        reports_rest: Whether that includes URLs whose turn never came.
    """

    def __init__(
        self,
        source: Iterable[Item],
        sink: Sink,
        options: Options,
        on_download: OnDownload,
        *,
        reports_rest: bool = True,
    ) -> None:
        self._items = enumerate(source)
        self._sink = sink
        self._options = options
        self._on_download = on_download
        self._reports_rest = reports_rest
        self._started_at = monotonic()
        self._hosts = Hosts(options)
        self._s3_account: Account | None = None
        self._in_flight: dict[int, Attempt] = {}
        self._retries: list[tuple[float, int, Attempt]] = []  # when due, position
        self._retries_left = _FREE_RETRIES

    def run(self, engine: Engine, deadline_s: float) -> None:
        """
        Download until all is done or the deadline comes.

        Whatever has not ended by then is reported as `unstarted`.
        """
        engine.run(self, deadline_s)
        self._abandon()

    def next(self) -> Attempt | float | None:
        """Return an attempt; or seconds to wait; or None when nothing is left."""
        if self._sink.is_full:
            return _SINK_FULL_WAIT_S
        now = monotonic()
        while attempt := self._next_due(now) or self._next_fresh(now):
            if attempt.host.free_at() <= now < (attempt.ends_at or math.inf):
                return self._start(attempt, now)
            if not self._is_over(attempt, now):
                self._hosts.hold(attempt)
        wait_s = self._retries[0][0] - now if self._retries else math.inf
        if self._hosts.waiting:
            wait_s = min(wait_s, self._hosts.wait_s(now), _HOSTS_BUSY_WAIT_S)
        return max(0.0, wait_s) if wait_s < math.inf else None

    def ended(self, attempt: Attempt, download: Download) -> None:
        """Try again if that may help and there is time; else report the download."""
        now = monotonic()
        del self._in_flight[attempt.position]
        self._hosts.ended(attempt, download, now)
        if (
            download.outcome is not Outcome.OK
            and attempt.tries < self._options.attempts
            and self._retries_left
            and can_heal(download.outcome, download.status)
        ):
            wait_s = full_jitter(attempt.tries, _BACKOFF_FIRST_S, _BACKOFF_LONGEST_S)
            due = now + max(wait_s, download.retry_after_s)
            if due < attempt.ends_at:
                self._retries_left -= 1
                attempt.failure = download
                heapq.heappush(self._retries, (due, attempt.position, attempt))
                return
        self._report(attempt, download, now)

    def _next_due(self, now: float) -> Attempt | None:
        """Return an attempt that is due again, or whose host has become free."""
        if self._retries and self._retries[0][0] <= now:
            return heapq.heappop(self._retries)[2]
        if self._hosts.waiting:
            return self._hosts.release(now)
        return None

    def _next_fresh(self, now: float) -> Attempt | None:
        """Return the next of the source; report bad URLs on the way."""
        if self._hosts.waiting >= _MAX_WAITING:
            return None
        for position, item in self._items:
            host = guard.plain_host(item.url)
            if not host:
                try:
                    host = guard.host_of(self._checked(item.url))
                except guard.BadUrlError as error:
                    bad = Download(Outcome.BAD_URL, detail=str(error))
                    self._on_download(position, item, bad)
                    continue
            return Attempt(position, item, self._hosts.named(host, now))
        return None

    def _checked(self, url: str) -> str:
        """Return a URL that can be fetched; the HTTP address of one in S3."""
        if self._options.allow_s3 and url.startswith(SCHEME):
            return self._account_in_s3().address_of(place_of(url))
        guard.check_url(url)
        return url

    def _account_in_s3(self) -> Account:
        if self._s3_account is None:
            from fetcher.s3.credentials import Account  # noqa: PLC0415 - loads OpenSSL

            try:
                self._s3_account = Account.from_environment()
            except OSError as error:
                raise guard.BadUrlError(str(error)) from error
        return self._s3_account

    def _is_over(self, attempt: Attempt, now: float) -> bool:
        """End an attempt that had to wait too long, or whose host is given up."""
        if attempt.failure and now >= attempt.ends_at:
            self._report(attempt, attempt.failure, now)
            return True
        host = attempt.host
        if host.is_given_up and host.failure and host.free_at() > now:
            detail = (
                "not tried: the host has failed too often, at last: "
                f"{host.failure.detail}"
            )
            self._report(attempt, host.failure._replace(detail=detail), now)
            return True
        return False

    def _start(self, attempt: Attempt, now: float) -> Attempt:
        attempt.host.start(now)
        if not attempt.tries:
            attempt.started_at = now
            attempt.ends_at = now + self._options.total_timeout_s
            self._retries_left += 1
        attempt.tries += 1
        attempt.is_answered = False
        if attempt.item.url.startswith(SCHEME):  # signed anew, for a signature expires
            place = place_of(attempt.item.url)
            attempt.url = self._account_in_s3().signed("GET", place)
        attempt.body = Body(attempt.item, self._sink, self._options)
        self._in_flight[attempt.position] = attempt
        return attempt

    def _report(self, attempt: Attempt, download: Download, now: float) -> None:
        # Spelled out, for `_replace` would take three times as long.
        outcome, status, body_bytes, _, _, _, detail, path, _, told, found = download
        started_at = attempt.started_at or now
        started_s, seconds = started_at - self._started_at, now - started_at
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
                0.0,
                told,
                found,
            ),
        )

    def _abandon(self) -> None:
        now = monotonic()
        for attempt in self._hosts.held() + [attempt for *_, attempt in self._retries]:
            failure = attempt.failure
            detail = f"was to be tried again: {failure.detail}" if failure else ""
            self._report(attempt, Download(Outcome.UNSTARTED, detail=detail), now)
        for attempt in self._in_flight.values():
            detail = "broken off at the deadline"
            self._report(attempt, Download(Outcome.UNSTARTED, detail=detail), now)
        if self._reports_rest:
            for position, item in self._items:
                self._on_download(position, item, Download(Outcome.UNSTARTED))
