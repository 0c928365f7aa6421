"""Account of a list: each URL counted, reported and shown exactly once."""

from __future__ import annotations

import math
from collections import Counter
from threading import Lock
from typing import TYPE_CHECKING, Any

from fetcher.command.progress import Progress
from fetcher.command.report.json_lines import line_of
from fetcher.command.result_batch import Ended
from fetcher.contract.download_results import Download
from fetcher.contract.outcome import Outcome
from fetcher.transfer.flow.download_slots import UnderWay

if TYPE_CHECKING:
    from fetcher.command.report.file import ReportFile
    from fetcher.command.result_batch import LineOf
    from fetcher.contract.source import Item
    from fetcher.lists.position_set import Positions
    from fetcher.lists.url_list import UrlList


_MOST_HOSTS = 100_000  # whose failures are counted; then those with few are forgotten


class Accounting:
    """
    Account of how the URLs of a list ended; safe to use from any thread.

    Args:
        urls: The list.

        done: Positions that need not be fetched; those accounted for are added.

        report: Where lines go; None: nowhere.

        longest_silence_s: For how long a silent URL may hold up the end.

        kept: How those that need not be fetched ended; None: all of them `ok`.

    Attributes:
        line_of: What makes a row's line; without a report, an empty one.
    """

    def __init__(
        self,
        urls: UrlList,
        done: Positions,
        report: ReportFile | None,
        longest_silence_s: float = math.inf,
        kept: Counter[str] | None = None,
    ) -> None:
        self._urls = urls
        self._done = done
        self._report = report
        self.line_of: LineOf = line_of if report else _no_line
        self._kept = len(done)
        self._lock = Lock()
        self._counts = kept or Counter({Outcome.OK.value: self._kept})
        self._kept_ok = self.ok
        self._body_bytes = 0
        self._connections = 0
        self._left = UnderWay()
        self._failed: Counter[str] = Counter()  # URLs by host
        self._is_torn = False  # the list, and that has been said
        self._progress = Progress(urls.estimated_count, self._kept, longest_silence_s)

    @property
    def ok(self) -> int:
        """How many files are there, whole."""
        return self._counts[Outcome.OK.value]

    def take(self, ended: Ended) -> None:
        """Add some URLs that ended."""
        with self._lock:
            if self._report:
                self._report.write(ended.lines.encode())
            self._done.add(ended.positions)
            self._counts.update(ended.counts)
            self._body_bytes += ended.body_bytes
            self._connections += ended.connections
            self._left = self._left.and_more(UnderWay(*ended.left))
            self._failed.update(ended.failed)
            if len(self._failed) > _MOST_HOSTS:
                self._failed = Counter(dict(self._failed.most_common(_MOST_HOSTS // 2)))

    def tick(self) -> None:
        """Show progress if it is due."""
        self._progress.count = self._urls.estimated_count
        if self._urls.failure and not self._is_torn:  # what follows will not be read
            self._is_torn = True
            self._progress.say(f"fetcher: {self._urls.failure}")
        self._progress.is_growing = self._urls.is_growing
        self._progress.tick(len(self._done), self.ok, self._body_bytes, self._left)

    def abandon(self, why: str) -> None:
        """Account for all URLs that have not ended as `unstarted`."""
        unstarted = f"{Outcome.UNSTARTED}: {why}" if why else Outcome.UNSTARTED
        missing = ((at, 1) for at in self._done.missing(len(self._urls)))
        for item in self._urls.items_in(missing):
            rest = item.refusal or unstarted
            download = Download.refused(rest)
            line = self.line_of(item, download)
            self.take(Ended((item.number,), {download.outcome.value: 1}, 0, line))

    def finish(self) -> dict[str, Any]:
        """Show the last figures and return the summary."""
        self._progress.count = len(self._urls)
        self._progress.is_growing = False
        self._progress.finish(len(self._done), self.ok, self._body_bytes)
        self._progress.sum_up(self._counts, self._failed)
        seconds = self._progress.seconds
        return {
            "files": len(self._urls),
            "ok": self.ok,
            "kept": self._kept,
            "counts": {name: count for name, count in self._counts.items() if count},
            "body_bytes": self._body_bytes,
            "connections": self._connections,
            "seconds": round(seconds, 3),
            "files_per_s": round((self.ok - self._kept_ok) / seconds, 1),
        }


def _no_line(_: Item, __: Download) -> str:
    return ""
