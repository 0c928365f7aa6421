"""
One download in several processes, so that every core has work.

A list of many hosts is split by host; the positions of any other are dealt to whichever
process is free. The first one downloads too, since one that only watched would take as
much memory; meanwhile, a thread of it reads what its children send through a pipe each.
A child that dies takes down what it was downloading, and up to 4,096 URLs that it has
read ahead while their hosts are busy: they end as `unstarted`, for the next run.
Children whose parent dies end by themselves.
"""

from __future__ import annotations

import gc
import os
import select
import signal
from time import monotonic
from typing import TYPE_CHECKING

from fetcher.command.download_process import describe, fetch, fetch_as_child
from fetcher.command.host_partitions import HostPartitions
from fetcher.command.message_pipe import Messages
from fetcher.command.work_queue import Deals
from fetcher.process.children import Child
from fetcher.process.signals import SIGNALS
from fetcher.transfer.scheduler import engine_for

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from threading import Event

    from fetcher.command.accounting import Accounting
    from fetcher.command.result_batch import Ended
    from fetcher.contract.options import Options
    from fetcher.contract.source import Item
    from fetcher.lists.position_set import Positions
    from fetcher.lists.url_list import UrlList
    from fetcher.process.signals import Stops
    from fetcher.transfer.engine import Engine
    from fetcher.transfer.sink import Sink

_TICK_MS = 100
_LOST = "the process downloading it failed"


class Processes:
    """
    The process and its children, downloading the URLs of a list that are not done.

    Attributes:
        failure: The first error in any of them, for a person; empty: none.

        lost: Why positions are missing from the account; empty: none should be.

        children_rss_bytes: The most memory that each child ever held, added up.
    """

    def __init__(
        self, urls: UrlList, done: Positions, sink: Sink, account: Accounting
    ) -> None:
        self._urls = urls
        self._done = done
        self._sink = sink
        self._account = account
        self._children: dict[int, tuple[Child, Messages]] = {}  # by pipe
        self._poll = select.poll()
        self._broken = False
        self._ending = False
        self.failure = ""
        self.lost = ""
        self.children_rss_bytes = 0

    def run(
        self,
        parts: Sequence[Options],
        deadline_at: float,
        stops: Stops,
        *,
        is_by_host: bool = False,
    ) -> None:
        """
        Download in as many processes as there are parts, which are the options of each.

        The deadline is on the monotonic clock. Signals are passed on to the children.

        Raises:
            OSError: If the report cannot be written.
        """
        self._stops = stops
        self._partitions: HostPartitions | None = None
        if len(parts) > 1 and is_by_host:
            self._partitions = HostPartitions(self._urls, self._done, len(parts))
        self._deals = Deals(self._urls.estimated_count, len(parts))
        self._poll.register(self._deals.pipe, select.POLLOUT)
        engine = engine_for(parts[0])  # imported once, for the children too
        if not gc.isenabled():
            # Modules stay: to look at them again would cost time, and copies of their
            # pages in the children.
            gc.freeze()
            gc.enable()
        try:
            for nth, options in enumerate(parts[1:], 1):
                self._fork(nth, options, deadline_at)
            self._offer()
            self._work(engine, self._items(0), parts[0], deadline_at - monotonic())
            self._deals.only_offer()
            while self._children:
                self._turn()
            if self._partitions and self.lost and not self.failure:  # a child has died
                rest = self._partitions.left()
                again = engine_for(parts[0])  # an engine runs once
                self._work(again, rest, parts[0], deadline_at - monotonic())
        finally:
            self._end_deals()
            self._end_children()
            for pipe in list(self._children):
                self._bury(pipe)

    def _fork(self, nth: int, options: Options, deadline_at: float) -> None:
        def work(pipe: int) -> None:
            # A copy left open here would keep others from seeing its end.
            self._deals.end()
            for other in self._children:
                os.close(other)
            own = self._items(nth), self._sink, options, deadline_at
            fetch_as_child(*own, self._account.line_of, pipe)

        # Until the child handles signals itself, the parent's handlers would run.
        signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
        try:
            child = Child(work)
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
        self._children[child.pipe] = child, Messages(child.pipe)
        self._poll.register(child.pipe, select.POLLIN)

    def _items(self, nth: int) -> Iterator[Item | None]:
        if self._partitions:
            return self._partitions.items(nth)
        return self._urls.items_so_far(self._deals.taken(), self._done)

    def _work(
        self,
        engine: Engine,
        items: Iterator[Item | None],
        options: Options,
        left_s: float,
    ) -> None:
        """Do this process's own part."""
        try:
            told = self._take, self._pause, self._account.line_of
            fetch(engine, items, self._sink, options, left_s, self._stops, *told)
        except Exception as error:
            if self._broken:
                raise
            self._fail(describe(error))

    def _take(self, ended: Ended) -> None:
        try:
            self._account.take(ended)
        except BaseException:
            self._broken = True
            self._end_deals()  # we may be waiting for the next
            raise

    def _pause(self, over: Event) -> None:
        if self._is_alone:
            over.wait(_TICK_MS / 1_000)
        try:
            self._turn()
        except BaseException:
            self._end_deals()
            raise

    @property
    def _is_alone(self) -> bool:
        return not (self._children or self._deals.is_open)

    def _turn(self) -> None:
        """Serve the children for a moment: deal out work, receive what ended."""
        for pipe, _ in self._poll.poll(0 if self._is_alone else _TICK_MS):
            if pipe == self._deals.pipe:
                self._offer()
            else:
                self._hear(pipe)
        if self._stops.came:
            self._end_children()
        self._account.tick()

    def _offer(self) -> None:
        end = 0 if self._partitions else self._urls.known_count
        if not self._deals.offer(end):
            self._end_deals()

    def _end_deals(self) -> None:
        if self._deals.is_open:
            self._poll.unregister(self._deals.pipe)
            self._deals.end()

    def _hear(self, pipe: int) -> None:
        _, messages = self._children[pipe]
        for message in messages.receive():
            if isinstance(message, str):
                self._fail(message)
            else:
                self._take(message)
        if messages.ended:
            self._bury(pipe)

    def _bury(self, pipe: int) -> None:
        """Close a child's pipe and wait for its end."""
        child, _ = self._children.pop(pipe)
        self._poll.unregister(pipe)
        ended = child.bury()
        self.children_rss_bytes += ended.peak_rss_bytes
        if ended.error.startswith("signal"):
            self.lost = f"the process downloading it died ({ended.error})"
        elif ended.error:
            self.lost = _LOST

    def _fail(self, what: str) -> None:
        self.failure = self.failure or what
        self.lost = _LOST

    def _end_children(self) -> None:
        """Tell the children to stop, once."""
        if not self._ending:
            for child, _ in self._children.values():
                os.kill(child.pid, signal.SIGTERM)
        self._ending = True
