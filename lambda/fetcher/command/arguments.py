"""The arguments of the `fetcher` command, and what its help says."""

from __future__ import annotations

import argparse
import os
from typing import TYPE_CHECKING

from fetcher import __version__
from fetcher.contract.options import ENGINES, LAYOUTS, RETRIES, SHARDS, Options
from fetcher.process.cores import cores

if TYPE_CHECKING:
    from collections.abc import Iterable

_MOST_PROCESSES = 4
_FOREVER_S = 10 * 365 * 86_400.0

_EPILOG = """
LIST is text, CSV, TSV, JSON lines or Parquet, compressed by gzip, Zstandard or xz or
not: a path, a pattern in quotes, - for stdin or s3://bucket/key; several make one list.
Text has a URL a line, or URL, TAB, name. Tables have a column url, image_url or link,
and may have destination (a name to store the file under) and sha256; all others are
carried into the report. Blank lines and lines starting with # are skipped. A row that
is no URL ends as bad_url, one that repeats an earlier URL or name as duplicate; neither
stops the run. A list is refused if most of its first thousand rows are bad.

PLACE is a folder; a tar, NAME.tar; or s3://bucket/prefix. With --shards tar, a folder
or prefix gets WebDataset tars, whose files are named after their row numbers. A file is
there, and is counted, only once it is whole; in a tar in S3, once the tar is.

With the report of an earlier run, only what is missing and may succeed now is fetched:
not 404, 410, bodies of a wrong type and names that do not exist. --retry changes that.

The last line on stdout is a summary in JSON: files, ok and kept ones among them, counts
by outcome; body_bytes and files_per_s of this run, without kept files; connections at
the end; peak_rss_bytes, the most memory that each process held, added up.

exit status:
    0  every URL is ok
    1  some are not
    2  refused, or could not run
  130  interrupted before downloads began; an earlier report is unchanged
After SIGINT or SIGTERM later on, finished URLs are reported, and the rest as unstarted.

example: fetcher urls.txt --to photos --expect image --report photos.parquet
"""

# Each is a field of Options, which has its default and checks its value.
_OF_FILES = (("--sha256", "sha256", "take the digest of each body for the report"),)
_OF_HOSTS = (
    ("--per-host N", "per_host", "downloads in flight at one host and port"),
    ("--host-rate R", "host_rate", "requests a second begun at one host and port"),
    (
        "--respect-robots-tag",
        "respect_robots",
        (
            "skip files whose X-Robots-Tag header says noindex, none, noai, noimageai, "
            "noimageindex or noml"
        ),
    ),
    ("--allow-private", "allow_private", "contact loopback and private addresses too"),
    ("--contact TEXT", "contact", "for an origin's owner; goes into the User-Agent"),
)
_OF_SPEED = (
    (
        "--connections N",
        "connections",
        "active downloads at once, not counting unresponsive ones; 0: adaptive",
    ),
    ("--engine NAME", "engine", f"HTTP implementation: {' or '.join(ENGINES)}"),
    (
        "--attempts N",
        "attempts",
        (
            "tries per URL, where another may help; each process makes at most 100 "
            "more retries than it tries URLs"
        ),
    ),
    ("--connect-timeout S", "connect_timeout_s", "seconds to wait for a connection"),
    ("--read-timeout S", "read_timeout_s", "seconds without data, once connected"),
    ("--total-timeout S", "total_timeout_s", "seconds for one URL, retries included"),
    ("--min-speed B", "min_bytes_per_s", "bytes a second; what is slower has stalled"),
    (
        "--compressed",
        "compressed",
        "accept compressed responses; store them decompressed",
    ),
)
_OF_TYPES = (
    (
        "--expect --expect-type TYPE",
        "expect_type",
        "such as image or image/png; the first bytes of a body decide",
    ),
    ("--max-bytes N", "max_bytes", "longest body accepted"),
)
OPTIONS = (*_OF_FILES, *_OF_HOSTS, *_OF_SPEED, *_OF_TYPES)

COLUMNS = {
    "url": "the list's column of URLs (default: url, image_url, link, or alike)",
    "name": "its column of names to store files under (default: destination)",
    "sha256": "its column of digests in hex (default: sha256)",
}


def usual_processes() -> int:
    """Return the number of processes to use by default."""
    return min(cores(), _MOST_PROCESSES)


def parser() -> argparse.ArgumentParser:
    """Return the parser."""
    own = argparse.ArgumentParser(
        prog="fetcher",
        usage="%(prog)s LIST [LIST ...] --to PLACE [options]",
        description="Download a list of URLs and report every one.",
        epilog=_EPILOG,
        formatter_class=_formatter,
    )
    own.add_argument(
        "--version",
        action="version",
        version=f"%(prog)s {__version__}",
        help="print the version and exit",
    )
    _add_list(own.add_argument_group("list"))
    _add_place(own.add_argument_group("where files go"))
    _add_report(own.add_argument_group("report"))
    _add_options(own.add_argument_group("hosts and politeness"), _OF_HOSTS)
    _add_speed(own.add_argument_group("speed and time-outs"))
    _add_options(own.add_argument_group("types and sizes"), _OF_TYPES)
    return own


def _add_list(group: argparse._ArgumentGroup) -> None:
    add = group.add_argument
    add("lists", metavar="LIST", nargs="+", help="the list, or its parts")
    for name, what in COLUMNS.items():
        add(f"--{name}-column", metavar="NAME", default="", help=what)
    add("--strict", action="store_true", help="refuse a list with any bad row")


def _add_place(group: argparse._ArgumentGroup) -> None:
    add = group.add_argument
    add("--to", metavar="PLACE", required=True, help="where files go; see below")
    add(
        "--layout",
        choices=LAYOUTS,
        default="",
        metavar="NAME",
        help="names in a folder of files without a destination: host, by host and path "
        "(the default); flat, all in one folder; hash, at most 1,000 a folder",
    )
    add(
        "--beside",
        action="store_true",
        help="keep NAME.json next to each file NAME: its row, with all columns",
    )
    add(
        "--shards",
        choices=SHARDS,
        default="",
        metavar="KIND",
        help="tar: keep files in tars of 10,000, for WebDataset, in a folder or in S3",
    )


def _add_report(group: argparse._ArgumentGroup) -> None:
    add = group.add_argument
    add(
        "--report",
        metavar="FILE",
        help="write a row for each URL: JSON lines, or .csv or .parquet",
    )
    add(
        "--in-order",
        action="store_true",
        help="sort JSON lines into the list's order at the end; tables always are",
    )
    _add_options(group, _OF_FILES)
    add(
        "--retry",
        choices=RETRIES,
        default=RETRIES[0],
        help="which rows of an earlier report to retry: healable, those that may "
        "succeed now (the default), failed, all that are not ok, all, or none, only "
        "those not tried before",
    )


def _add_speed(group: argparse._ArgumentGroup) -> None:
    _add_options(group, _OF_SPEED)
    add = group.add_argument
    add(
        "--processes",
        metavar="N",
        type=int,
        default=usual_processes(),
        help="share the connections among N processes (default: %(default)s)",
    )
    add(
        "--deadline",
        metavar="S",
        type=float,
        default=_FOREVER_S,
        help="stop after S seconds of downloading; the rest is reported as unstarted",
    )


def _formatter(prog: str) -> argparse.RawDescriptionHelpFormatter:
    """Return argparse's own, which would load three compressors for the width."""
    columns = os.environ.get("COLUMNS", "")
    try:
        width = int(columns) if columns.isdecimal() else os.get_terminal_size().columns
    except OSError:
        width = 0
    return argparse.RawDescriptionHelpFormatter(prog, width=(width or 80) - 2)


def _add_options(
    group: argparse._ArgumentGroup, options: Iterable[tuple[str, str, str]]
) -> None:
    for flag, name, what in options:
        default = getattr(Options(), name)
        if isinstance(default, bool):
            group.add_argument(flag, dest=name, action="store_true", help=what)
            continue
        *flags, metavar = flag.split()
        group.add_argument(
            *flags,
            dest=name,
            metavar=metavar,
            type=type(default),
            default=default,
            help=f"{what} (default: {_shown(default, what)})",
        )


def _shown(default: str | float, what: str) -> str:
    """Return a default as a person would write it; most that are empty set no limit."""
    if not default:
        return "0" if "0:" in what else "none"
    return f"{default:g}" if isinstance(default, float) else str(default)
