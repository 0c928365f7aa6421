"""Downloads held back until the sink has made their bodies safe."""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from fetcher.contract.download_results import Download
    from fetcher.contract.source import Item
    from fetcher.transfer.sink import Sink

    Report = Callable[[int, Item, Download], None]


class DeferredResults:
    """
    Downloads that a sink takes its time for, passed on as each is settled.

    So what is reported is there, even if this process is killed the next moment. One
    thread reports at a time.
    """

    def __init__(self, sink: Sink, report: Report) -> None:
        self._sink = sink
        self._report = report
        self._lock = Lock()
        self._held: dict[int, tuple[int, Item, Download]] = {}  # by number
        self._early: dict[int, Download | None] = {}

    @property
    def held(self) -> int:
        """How many are held back."""
        return len(self._held)

    def add(self, position: int, item: Item, download: Download) -> None:
        """Take in a download that ended, but for its body's way to the sink."""
        with self._lock:
            if not download.path:  # nothing was kept
                self._report(position, item, download)
            elif item.number in self._early:
                end = self._early.pop(item.number)
                self._report(position, item, _after_all(download, end))
            else:
                self._held[item.number] = position, item, download

    def collect(self) -> None:
        """Pass on what has been settled."""
        with self._lock:
            for number, end in self._sink.settled().items():
                if held := self._held.pop(number, None):
                    position, item, download = held
                    self._report(position, item, _after_all(download, end))
                else:  # the sink was quicker than the report of its download
                    self._early[number] = end

    def finish(self) -> None:
        """Wait for the sink, and pass on the rest."""
        ends = self._sink.settle()
        with self._lock:
            for number, (position, item, download) in self._held.items():
                end = ends.get(number)
                self._report(position, item, _after_all(download, end))
            self._held.clear()


def _after_all(download: Download, end: Download | None) -> Download:
    """Return how a download ended, given what became of its body."""
    if end is None:
        return download
    return download._replace(outcome=end.outcome, detail=end.detail, path="")
