"""A list, the report of its download, and what is kept of it."""

import json
from contextlib import closing, contextmanager
from pathlib import Path

from fetcher.command.report.file import ReportFile
from fetcher.command.report.json_lines import line_of
from fetcher.command.resume import HEALABLE, keep
from fetcher.contract.download_results import Download
from fetcher.contract.outcome import Outcome
from fetcher.lists.url_list import UrlList
from fetcher.sinks.directory import Directory
from fetcher.sinks.tars.local import LocalTars

ITEMS = 6


class EarlierRun:
    """All URLs of a list downloaded; and what to change about it."""

    retry = HEALABLE

    def __init__(self, folder):
        self.report = folder / "report.jsonl"
        self.list = folder / "urls.txt"
        self.list.write_text("".join(f"http://h/{n}\n" for n in range(ITEMS)))
        self.sink = Directory(folder / "out")
        self.lines = [self.line(item) for item in UrlList(self.list)]
        self.report.write_text("".join(self.lines))

    @contextmanager
    def tars(self):
        """Let the sink be tars; at the end they are closed."""
        with closing(LocalTars(self.report.parent / "tars", is_folder=True)) as sink:
            self.sink = sink
            yield sink

    def fill_tars(self):
        """Download all into tars that are complete then; return the lines."""
        with self.tars() as sink:
            sink.begin(())
            lines = [self.line(item) for item in UrlList(self.list)]
            sink.settle()
            sink.complete(range(ITEMS), is_whole=True)
        return lines

    def line(self, item, outcome=Outcome.OK):
        writer = self.sink.open(item)
        writer.write([b"x" * item.number])
        path = writer.commit()
        return line_of(item, Download(outcome, 200, item.number, path=path))

    def path(self, number):
        return Path(json.loads(self.lines[number])["path"])

    def told(self):
        """Return what the report has of each URL."""
        return [json.loads(line) for line in self.report.read_text().splitlines()]

    def kept(self, sink=None):
        urls = UrlList(self.list)
        with ReportFile(self.report) as report:
            kept, ended = keep(report, urls, sink or self.sink, self.retry)
        assert ended.total() == len(kept)
        return kept

    def keep(self):
        """Return the positions kept, which the report must agree with."""
        urls = UrlList(self.list)
        kept = self.kept()
        numbers = [item.number for item in urls if item.number in kept]
        reported = sorted(line["url"] for line in self.told())
        assert reported == [f"http://h/{n}" for n in numbers]
        assert self.report.read_bytes()[-1:] in (b"", b"\n")
        return numbers
