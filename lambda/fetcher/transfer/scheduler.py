"""The loop: connections kept busy until the work is done or the deadline is near."""

from __future__ import annotations

import math
from collections.abc import Callable
from importlib import import_module
from time import monotonic
from typing import TYPE_CHECKING

from fetcher import __version__
from fetcher.backoff import full_jitter
from fetcher.contract.download_results import Download, made
from fetcher.contract.outcome import Outcome, can_heal
from fetcher.process.descriptors import room
from fetcher.security.guard import plain_host
from fetcher.transfer.attempt import Attempt
from fetcher.transfer.body import Body
from fetcher.transfer.flow.download_slots import DownloadSlots, UnderWay
from fetcher.transfer.flow.early_end import EarlyEnd
from fetcher.transfer.flow.host import is_clear
from fetcher.transfer.flow.host_backoff import MOST_SPARED
from fetcher.transfer.flow.host_queues import Hosts
from fetcher.transfer.flow.retry_queue import Retries, was_silent
from fetcher.transfer.flow.watch import Watch
from fetcher.transfer.url_preparation import UrlPreparation

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fetcher.contract.options import Options
    from fetcher.contract.source import Item
    from fetcher.transfer.engine import Engine
    from fetcher.transfer.sink import Sink

OnDownload = Callable[[int, "Item", Download], None]

_BACKOFF_FIRST_S = 0.5
_BACKOFF_LONGEST_S = 20.0
_FREE_RETRIES = 100  # on top of one for each first try
_MAX_WAITING = 4_096  # attempts read ahead while their hosts are busy
_MOMENT_S = 0.02  # for room in the sink, or more of the source
_BUSY_WAIT_S = 0.1  # hosts, or every slot
_SILENT_TRIES = 2
_OK = Outcome.OK  # bound once: Python 3.11 finds members of an enum slowly


def engine_for(options: Options) -> Engine:
    """Return the engine that the options name, without importing the others."""
    contact = f"; {options.contact}" if options.contact else ""
    user_agent = f"million-downloads/{__version__} (fetcher{contact})"
    module = import_module(f"fetcher.engines.{options.engine}")
    engine: Engine = module.Engine(options, user_agent)
    return engine


class Scheduler:
    """
    All URLs of one source on their way: first tries, retries, endings.

    Args:
        source: What to fetch; None: there may be more later.

        sink: Where bodies go.

        options: How often and how long to try.

        on_download: Called once for each URL when it has ended, with its position in
            the source, the item, and how it ended.

        reports_rest: Whether that includes URLs whose turn never came.

        most_open: The most in flight; 0: as many as there are descriptors for.

        gone: Hosts that others found gone.

        early_end: Decides whether to end while URLs are silent; None: never.
    """

    def __init__(
        self,
        source: Iterable[Item | None],
        sink: Sink,
        options: Options,
        on_download: OnDownload,
        *,
        reports_rest: bool = True,
        most_open: int = 0,
        gone: Iterable[str] = (),
        early_end: EarlyEnd | None = None,
    ) -> None:
        self._items = enumerate(source)
        self._sink = sink
        self._options = options
        self._on_download = on_download
        self._reports_rest = reports_rest
        self._started_at = monotonic()
        most_open = min(most_open or room(), room())
        self.slots = DownloadSlots(options.connections, most_open, self._started_at)
        self._hosts = Hosts(options, self.slots, gone)
        self.silences, self.heard = self._hosts.silences, self._hosts.heard
        self._early_end = early_end or EarlyEnd()
        self._fetchable = UrlPreparation(allow_s3=options.allow_s3)
        self._in_flight: dict[int, Attempt] = {}
        self._watch = Watch(options, self.slots)
        self._retries = Retries()
        self._retries_left = _FREE_RETRIES
        self._is_read = False  # the source, to its end
        self.most_open = self.slots.most_open

    def run(self, engine: Engine, deadline_s: float) -> None:
        """Download until all is done or the deadline comes: the rest is `unstarted`."""
        engine.run(self, deadline_s)
        self._abandon()

    def next(self) -> Attempt | float | None:
        """Return an attempt; or seconds to wait; or None when nothing is left."""
        if self.slots.is_full():
            return _BUSY_WAIT_S
        if self._sink.is_full:
            return _MOMENT_S
        now = monotonic()
        while attempt := self._next_at(now):
            host = attempt.host
            if host.is_given_up:
                self._give_up(attempt, now)
            elif host.is_dead or host.free_at() > now:
                self._hosts.hold(attempt)
            else:
                return self._start(attempt, now)
        if self._may_end():
            return None
        wait_s = self._retries.wait_s(now)
        if self._hosts.waiting:
            if last := self._hosts.release_last(now):
                return self._start(last, now)
            wait_s = min(wait_s, self._hosts.wait_s(now), _BUSY_WAIT_S)
        if not self._is_read:
            wait_s = min(wait_s, _MOMENT_S)
        return wait_s if wait_s < math.inf else None

    def _next_at(self, now: float) -> Attempt | None:
        """Return what comes first: what was answered, the fresh, then the silent."""
        if self._retries.pending and (attempt := self._retries.answered(now)):
            return self._hosts.back(attempt)
        if self._hosts.waiting and (attempt := self._hosts.release(now)):
            return attempt
        if attempt := self._next_fresh(now):
            return attempt
        if not self._may_end() and (attempt := self._retries.silent(now)):
            return self._hosts.back(attempt)
        return None

    def left(self) -> UnderWay:
        """Return what has been begun and not ended; any thread may ask."""
        silent, all_ = self._retries.put_off, self._retries.pending
        return self.slots.left(silent, self._hosts.waiting + all_ - silent)

    def judge(self, attempt: Attempt, now: float) -> tuple[Outcome, str] | None:
        """Return how an attempt in flight must end, if it takes too long."""
        return self._watch.judge(attempt, now, self._has_only_silent)

    def _has_only_silent(self, now: float) -> bool:
        """Tell whether nothing can be done but wait for the silent."""
        is_over = self._may_end() and self._watch.is_quiet(now)
        in_flight = self._in_flight.values()
        if is_over and not any(one.is_worth_waiting_for(now) for one in in_flight):
            self._early_end.end()
        return self._only_silence_is_left

    def _may_end(self) -> bool:
        """Tell whether those that are silent, or were, go back instead."""
        return self._only_silence_is_left and self._early_end.takes(self.left())

    @property
    def _only_silence_is_left(self) -> bool:
        answered = self._retries.any_answered or self._hosts.any_alive
        return self._is_read and not answered

    def ended(self, attempt: Attempt, download: Download) -> None:
        """Try again if that may help and there is time; else report the download."""
        now = monotonic()
        del self._in_flight[attempt.position]
        self._watch.end(attempt, download, now)
        if download.outcome is _OK:
            self._hosts.ended(attempt, download, now)
            self._report(attempt, download, now, attempt.body.path)
            return
        attempt.left_s = self._watch.left_s(attempt, now)
        may_be_spared = attempt.spared < MOST_SPARED.get(download.status, 0)
        if may_be_spared and attempt.host.is_asked_too_much(download):
            goes_on = self._is_spared(attempt, download, now)
        else:
            self._hosts.ended(attempt, download, now)
            goes_on = self._is_retried(attempt, download, now)
        if not goes_on:
            self._report(attempt, download, now)

    def _is_spared(self, attempt: Attempt, download: Download, now: float) -> bool:
        """Slow the host down; tell whether the attempt waits for it at no cost."""
        host = attempt.host
        wait_s = full_jitter(host.refusals + 1, _BACKOFF_FIRST_S, _BACKOFF_LONGEST_S)
        wait_s = max(wait_s, download.retry_after_s)
        self._hosts.refused(attempt, download, wait_s, now)
        if host.is_given_up or attempt.left_s <= 0:
            return False
        attempt.spared += 1
        attempt.failure = download
        # Where each URL fails once, going on with others would look like a host that
        # fails for ever; an answer to this one tells.
        self._hosts.hold(attempt, goes_first=not is_clear(download))
        return True

    def _is_retried(self, attempt: Attempt, download: Download, now: float) -> bool:
        """Tell whether an attempt is tried again, and see to it."""
        is_silent, most = was_silent(download), self._options.attempts
        most = min(most, _SILENT_TRIES) if is_silent else most
        if not (
            attempt.tries - attempt.spared < most
            and not (attempt.is_last and self._hosts.are_few_at(attempt.host))
            and self._retries_left
            and can_heal(download.outcome, download.status)
        ):
            return False
        wait_s = full_jitter(attempt.tries, _BACKOFF_FIRST_S, _BACKOFF_LONGEST_S)
        wait_s = max(wait_s, download.retry_after_s)
        attempt.left_s -= wait_s
        if attempt.left_s <= 0:
            return False
        self._retries_left -= 1
        attempt.failure = download
        self._retries.add(attempt, now + wait_s, is_silent=is_silent)
        return True

    def _next_fresh(self, now: float) -> Attempt | None:
        """Return the next of the source; report what is not fetched on the way."""
        if self._hosts.waiting >= _MAX_WAITING:
            return None
        for position, item in self._items:
            if item is None:
                return None
            # Most URLs have a plain host, which is quick to find.
            plain = "" if item.refusal else plain_host(item.url)
            host = plain or self._fetchable.host_or_end(item)
            if isinstance(host, str):
                return Attempt(position, item, self._hosts.named(host, now))
            self._on_download(position, item, host)
        self._is_read = True
        return None

    def _give_up(self, attempt: Attempt, now: float) -> None:
        """End an attempt whose host is given up."""
        self._report(attempt, attempt.failure or attempt.host.not_tried(), now)

    def _start(self, attempt: Attempt, now: float) -> Attempt:
        host, item, options = attempt.host, attempt.item, self._options
        attempt.is_last = host.is_dead
        host.start(now)
        if not attempt.tries:
            attempt.started_at, attempt.left_s = now, options.total_timeout_s
            self._retries_left += 1
        attempt.tries += 1
        attempt.is_answered = False
        if options.allow_s3:  # signed anew, for a signature expires
            attempt.url = self._fetchable.signed(item.url)
        attempt.body = Body(item, self._sink, options)
        self._in_flight[attempt.position] = attempt
        self._watch.begin(attempt, now)
        return attempt

    def _report(
        self, attempt: Attempt, download: Download, now: float, path: str = ""
    ) -> None:
        at = attempt.started_at or now
        started_s, seconds = at - self._started_at, now - at
        ended = made((*download[:10], path, started_s, seconds, attempt.tries))
        self._on_download(attempt.position, attempt.item, ended)

    def _abandon(self) -> None:
        now, untried, broken = monotonic(), "", "interrupted"
        if self._may_end():
            untried = broken = "handed back: only unresponsive URLs were left"
        for attempt in self._hosts.held() + self._retries.all():
            failure = attempt.failure
            why = f"was to be tried again: {failure.detail}" if failure else untried
            self._report(attempt, Download(Outcome.UNSTARTED, detail=why), now)
        for attempt in self._in_flight.values():
            self._report(attempt, Download(Outcome.UNSTARTED, detail=broken), now)
        if self._reports_rest:
            for position, item in self._items:
                if item is None:  # whoever reads the source reports the rest
                    break
                rest = item.refusal or Outcome.UNSTARTED
                self._on_download(position, item, Download.refused(rest))
