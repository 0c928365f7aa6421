"""The same work without Lambda: the `fetcher` command."""

from __future__ import annotations

import argparse
import json
import signal
import sys
from contextlib import ExitStack, contextmanager
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, TextIO

from fetcher.download import Job, engine_for
from fetcher.guard import without_credentials
from fetcher.handler import peak_rss_bytes
from fetcher.options import ENGINES, Options, check_seconds
from fetcher.sinks.directory import Directory
from fetcher.tally import Tally
from fetcher.urllist import UrlList

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from fetcher.downloads import Download
    from fetcher.engines.engine import Engine
    from fetcher.source import Item

_EXIT_OK, _EXIT_SOME_FAILED, _EXIT_COULD_NOT_RUN = 0, 1, 2
_FOREVER_S = 10 * 365 * 86_400.0

_EPILOG = """
URLS holds one URL a line, or URL, TAB, destination; .csv and .jsonl files name their
columns: url, and if wanted destination and sha256. A file is stored below DIR under its
destination, or else under its host and path, and only once it is whole.

exit status: 0 every URL is ok, 1 some are not, 2 could not run
SIGINT or SIGTERM: what has ended is reported, the rest comes back as unstarted

example: fetcher urls.txt --to photos --expect-type image/ --report photos.jsonl
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    parser = _parser()
    args = parser.parse_args(argv)
    try:
        options = Options(
            **{name: getattr(args, name) for name in Options.__dataclass_fields__}
        )
        check_seconds("deadline", args.deadline)
        _check_report(args.report, args.urls)
        urls = UrlList(args.urls)
        with ExitStack() as stack:
            report = args.report and stack.enter_context(args.report.open("w"))
            sink = Directory(args.to)
            return _fetch(urls, sink, options, args.deadline, report)
    except (ValueError, TypeError, OSError) as error:
        print(f"fetcher: {error}", file=sys.stderr)
        return _EXIT_COULD_NOT_RUN


def _check_report(report: Path | None, urls: Path) -> None:
    if report and report.exists() and report.samefile(urls):
        msg = f"--report {report} is the list itself; name another file."
        raise ValueError(msg)


def _fetch(
    urls: UrlList,
    sink: Directory,
    options: Options,
    deadline_s: float,
    report: TextIO | None,
) -> int:
    account = _Account(len(urls), report)
    engine = engine_for(options)
    with _stopped_by_signals(engine):
        Job(urls, sink, options, account).run(engine, deadline_s)
    account.finish()
    return _EXIT_OK if account.tally.ok == len(urls) else _EXIT_SOME_FAILED


class _Account:
    """Takes in each download: the report's line, the tally, the progress shown."""

    def __init__(self, many: int, report: TextIO | None) -> None:
        self.tally = Tally()
        self._many = many
        self._report = report
        self._began = monotonic()
        self._shown = self._began
        self._live = sys.stderr.isatty()
        self._every_s = 0.2 if self._live else 5.0

    def __call__(self, _: int, item: Item, download: Download) -> None:
        self.tally.add(download.outcome, download.body_bytes, download.seconds)
        if self._report:
            self._report.write(_line(item, download) + "\n")
        if monotonic() - self._shown > self._every_s:
            self._show()

    def finish(self) -> None:
        """Show the last figures and print the summary."""
        self._show()
        if self._live:
            print(file=sys.stderr)
        counts = {name: many for name, many in self.tally.counts.items() if many}
        seconds = monotonic() - self._began
        summary = {
            "files": self._many,
            "ok": self.tally.ok,
            "counts": counts,
            "body_bytes": self.tally.body_bytes,
            "seconds": round(seconds, 3),
            "files_per_s": round(self.tally.ok / seconds, 1),
            "peak_rss_bytes": peak_rss_bytes(),
        }
        print(json.dumps(summary))

    def _show(self) -> None:
        self._shown = monotonic()
        seconds = self._shown - self._began
        done, ok = self.tally.files, self.tally.ok
        left_s = seconds / done * (self._many - done) if done else 0
        line = (
            f"{done:,} of {self._many:,} files, {ok:,} ok, {done - ok:,} not; "
            f"{done / seconds:,.0f} files/s, "
            f"{self.tally.body_bytes / seconds / 1e6:,.1f} MB/s; {left_s:,.0f} s left"
        )
        start, end = ("\r\x1b[K", "") if self._live else ("", "\n")
        print(f"{start}{line}", end=end, file=sys.stderr, flush=True)


def _line(item: Item, download: Download) -> str:
    return json.dumps(
        {
            "url": without_credentials(item.url),
            "outcome": download.outcome,
            "status": download.status,
            "bytes": download.body_bytes,
            "seconds": round(download.seconds, 6),
            "attempts": download.attempts,
            "path": download.path,
            "detail": download.detail,
        }
    )


@contextmanager
def _stopped_by_signals(engine: Engine) -> Iterator[None]:
    """Let SIGINT and SIGTERM bring the deadline to now instead of ending us."""
    kinds = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(kind, lambda *_: engine.stop()) for kind in kinds]
    try:
        yield
    finally:
        for kind, handler in zip(kinds, before, strict=True):
            signal.signal(kind, handler)


def _parser() -> argparse.ArgumentParser:
    defaults = Options()
    parser = argparse.ArgumentParser(
        prog="fetcher",
        description="Download a list of URLs and account for every one.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("urls", metavar="URLS", type=Path, help="the list: .txt, .csv or .jsonl")
    add("--to", metavar="DIR", type=Path, required=True, help="where files go")
    add(
        "--connections",
        metavar="N",
        type=int,
        default=defaults.connections,
        help="downloads in flight at once (default: %(default)s)",
    )
    add(
        "--engine",
        choices=ENGINES,
        default=defaults.engine,
        help="HTTP implementation (default: %(default)s)",
    )
    add(
        "--attempts",
        metavar="N",
        type=int,
        default=defaults.attempts,
        help="tries per URL, where trying again may help (default: %(default)s)",
    )
    for name, what in (
        ("connect", "longest wait for a connection"),
        ("read", "longest silence once connected"),
        ("total", "longest time for one URL, retries included"),
    ):
        add(
            f"--{name}-timeout",
            metavar="S",
            dest=f"{name}_timeout_s",
            type=float,
            default=getattr(defaults, f"{name}_timeout_s"),
            help=f"{what}, in seconds (default: %(default)g)",
        )
    add(
        "--max-bytes",
        metavar="N",
        type=int,
        default=defaults.max_bytes,
        help="longest body accepted (default: %(default)s)",
    )
    add(
        "--expect-type",
        metavar="TYPE",
        default=defaults.expect_type,
        help="start of the Content-Type wanted, as in image/ (default: any)",
    )
    add(
        "--allow-private",
        action="store_true",
        help="contact loopback and private addresses too",
    )
    add(
        "--contact",
        metavar="TEXT",
        default=defaults.contact,
        help="how an origin's owner can reach you; goes into the User-Agent",
    )
    add(
        "--deadline",
        metavar="S",
        type=float,
        default=_FOREVER_S,
        help="stop after this many seconds; the rest comes back as unstarted",
    )
    add("--report", metavar="FILE", type=Path, help="write one JSON line per URL")
    return parser


if __name__ == "__main__":
    sys.exit(main())
