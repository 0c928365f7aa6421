"""The `fetcher` command."""

from __future__ import annotations

import os
from contextlib import ExitStack
from dataclasses import replace
from time import monotonic
from typing import TYPE_CHECKING

from fetcher.command.arguments import COLUMNS, OPTIONS, parser
from fetcher.contract.options import MOST_DESCRIPTORS, Options, check_seconds

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence
    from pathlib import Path

    from fetcher.command.accounting import Accounting
    from fetcher.command.processes import Processes
    from fetcher.lists.url_list import UrlList

_EXIT_OK, _EXIT_SOME_FAILED, _EXIT_COULD_NOT_RUN = 0, 1, 2


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    args = parser().parse_args(argv)
    try:
        options = Options(**{name: getattr(args, name) for _, name, _ in OPTIONS})
        check_seconds("deadline", args.deadline)
        return _run(args, options)
    except (ValueError, TypeError, OSError) as error:
        from fetcher.command.progress import tell

        tell(f"fetcher: {error}")
        return _EXIT_COULD_NOT_RUN


def _run(args: argparse.Namespace, options: Options) -> int:
    # Imported late: to show the help, or refuse an argument, takes none of these.
    from fetcher.command.accounting import Accounting
    from fetcher.command.host_partitions import has_many_hosts
    from fetcher.command.processes import Processes
    from fetcher.command.report.run_report import RunReport
    from fetcher.command.resume import keep
    from fetcher.lists.files.inputs import files_of
    from fetcher.lists.position_set import Positions
    from fetcher.lists.url_list import Columns, UrlList
    from fetcher.process.descriptors import connections_allowed
    from fetcher.process.signals import Stops
    from fetcher.sinks.destination import destination
    from fetcher.transfer.work_division import shares

    if args.processes < 1:
        msg = f"processes is {args.processes}; it must be at least 1."
        raise ValueError(msg)
    lists = files_of(args.lists)
    path = _report_path(args.report, lists)
    allowed = connections_allowed(MOST_DESCRIPTORS)
    names = {name: getattr(args, f"{name}_column") for name in COLUMNS}
    with ExitStack() as stack:
        urls = UrlList(
            *lists, columns=Columns(**names), strict=args.strict, is_hasty=True
        )
        stack.callback(urls.close)
        sink = destination(
            args.to,
            layout=args.layout,
            shards=args.shards,
            beside=args.beside,
            report=path,
            lists=lists,
            count=len(urls) if args.layout == "hash" else urls.estimated_count,
            deadline_s=args.deadline,
        )
        report, done, kept = None, Positions(), None
        if path:  # until it has been cut down, a signal ends this and it stays whole
            report = stack.enter_context(RunReport(path, in_order=args.in_order))
            done, kept = keep(report.file, urls, sink, args.retry)
        stops = stack.enter_context(Stops())
        stack.callback(sink.close)
        sink.begin(done)
        longest_s = 2 * max(options.connect_timeout_s, options.read_timeout_s)
        lines = report.file if report else None
        account = Accounting(urls, done, lines, longest_s, kept)
        processes, known = args.processes, urls.known_count
        if known is not None:
            processes = min(processes, known - len(done))
        is_by_host = processes > 1 and has_many_hosts(urls)
        parts = _cut(shares(options, processes, is_by_host=is_by_host), allowed)
        work = Processes(urls, done, sink, account)
        if known is None or len(done) < known:
            if len(parts) > 1 or urls.is_far:
                urls.hand_over()
            sink.until = monotonic() + args.deadline
            work.run(parts, sink.until, stops, is_by_host=is_by_host)
            urls.break_off()
        sink.complete(done, is_whole=not work.lost)
        account.abandon(work.lost)
        if report:
            report.finish()
        return _sum_up(account, work, urls)


def _cut(parts: list[Options], allowed: int) -> list[Options]:
    """Give no process more connections than it may have, and say so."""
    from fetcher.command.progress import tell
    from fetcher.process.descriptors import RAISE_IT

    cut = [replace(one, connections=min(one.connections, allowed)) for one in parts]
    if cut != parts:
        before, now = (sum(one.connections for one in some) for some in (parts, cut))
        tell(
            f"fetcher: only {now:,} connections, not {before:,}: a process may open no "
            f"more files and sockets here. {RAISE_IT}"
        )
    return cut


def _report_path(name: str | None, lists: Sequence[str]) -> Path | None:
    """Return where the report is to be, unless that is a folder or the list itself."""
    import pathlib

    if name is None:
        return None
    report = pathlib.Path(name)
    if report.is_dir():
        msg = f"--report {report} is a folder; name a file."
        raise ValueError(msg)
    # A table that is not finished yet is a file of lines.
    for own in (report, report.with_name(f"{report.name}.jsonl")):
        if own.exists() and any(map(own.samefile, filter(os.path.exists, lists))):
            msg = f"--report {report} is the list itself; name another file."
            raise ValueError(msg)
    return report


def _sum_up(account: Accounting, work: Processes, urls: UrlList) -> int:
    """Print the summary and return the exit status."""
    import json

    from fetcher.command.progress import tell
    from fetcher.process.memory import peak_rss_bytes

    summary = account.finish()
    rss_bytes = peak_rss_bytes() + work.children_rss_bytes + urls.stop_reading()
    print(json.dumps(summary | {"peak_rss_bytes": rss_bytes}))
    for remark in urls.remarks():
        tell(f"fetcher: {remark}")
    if work.failure:
        tell(work.failure)
        return _EXIT_COULD_NOT_RUN
    urls.raise_if_torn()
    return _EXIT_OK if summary["ok"] == summary["files"] else _EXIT_SOME_FAILED
