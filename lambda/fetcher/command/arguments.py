"""The arguments of the `fetcher` command, and what its help says."""

from __future__ import annotations

import argparse
import os

from fetcher.contract.options import ENGINES, LAYOUTS, SHARDS, Options
from fetcher.process.cores import cores

_MOST_PROCESSES = 4
_FOREVER_S = 10 * 365 * 86_400.0

_EPILOG = """
LIST is text, CSV, TSV, JSON lines or Parquet, packed by gzip, Zstandard or xz or not; a
path, a pattern in quotes, - for stdin or s3://bucket/key; several make one list. Text
has a URL a line, or URL, TAB, name. Tables have a column url, image_url or link, and if
wanted destination (a name to store the file under) and sha256; all others are carried
into the report. Blank lines and comments, which # begins, are no rows. A row that is no
URL ends as bad_url, one that repeats another's URL or name as duplicate, and costs no
other row anything; a list of which most rows are bad is refused.

PLACE is a folder: a file is stored there under its destination, or else as --layout
says: by host and path, flat in one folder, or hash, at most 1,000 files in a folder. Or
it is a tar, NAME.tar; or with --shards tar, a folder of them, for WebDataset; in a tar,
files are called after their rows, and beside each is a JSON file that describes it. Or
it is s3://bucket/prefix: of objects or, with --shards tar, of tars. A file is there,
and is counted, only once it is whole; in a tar in S3, once the tar is.

If the report is there from an earlier run, only the rest is done: URLs that were ok,
and whose files are still there in full, are kept, and so are 404, 410, bodies of a
wrong type and names that do not exist; --retry says otherwise. In the end it has one
line for each row of the list, as always.

The last line on stdout sums up in JSON: files in the list, ok and kept among them,
counts by outcome; body_bytes and files_per_s of this run, not counting kept files;
connections, as they were in the end, of all processes;
peak_rss_bytes, the most memory that each process ever held, added up.

exit status: 0 every URL is ok, 1 some are not, 2 could not run
SIGINT or SIGTERM: finished URLs are reported, the rest comes back as unstarted; before
that, while list and earlier report are checked, the report stays as it was, and the
exit status is 130

example: fetcher urls.txt --to photos --expect image --report photos.parquet
"""

# Each is a field of Options, which has its default and checks its value.
OPTIONS = (
    (
        "--connections N",
        "connections",
        "active downloads at once, not counting silent ones; 0: as many as are useful",
    ),
    ("--engine NAME", "engine", f"HTTP implementation: {' or '.join(ENGINES)}"),
    ("--attempts N", "attempts", "tries per URL, where trying again may help"),
    ("--connect-timeout S", "connect_timeout_s", "seconds to wait for a connection"),
    ("--read-timeout S", "read_timeout_s", "seconds of silence, once connected"),
    ("--total-timeout S", "total_timeout_s", "seconds for one URL, retries included"),
    ("--max-bytes N", "max_bytes", "longest body accepted"),
    ("--min-speed B", "min_bytes_per_s", "bytes a second; what is slower has stalled"),
    ("--per-host N", "per_host", "downloads in flight at one host"),
    ("--host-rate R", "host_rate", "requests a second begun at one host"),
    ("--compressed", "compressed", "let bodies travel compressed; keep them inflated"),
    (
        "--expect --expect-type TYPE",
        "expect_type",
        "image, say, or image/png; the bytes of a body decide",
    ),
    ("--sha256", "sha256", "take the digest of each body for the report"),
    ("--respect-robots-tag", "respect_robots", "refuse what X-Robots-Tag reserves"),
    ("--allow-private", "allow_private", "contact loopback and private addresses too"),
    ("--contact TEXT", "contact", "for an origin's owner; goes into the User-Agent"),
)

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
        description="Download a list of URLs and account for every one.",
        epilog=_EPILOG,
        formatter_class=_formatter,
    )
    add = own.add_argument
    add("lists", metavar="LIST", nargs="+", help="the list, or its parts")
    add("--to", metavar="PLACE", required=True, help="where files go; see below")
    for name, what in COLUMNS.items():
        add(f"--{name}-column", metavar="NAME", default="", help=what)
    add("--strict", action="store_true", help="refuse a list with any bad row")
    add(
        "--layout",
        choices=LAYOUTS,
        default="",
        metavar="NAME",
        help=f"of a folder: {', '.join(LAYOUTS)} (default: {LAYOUTS[0]})",
    )
    add(
        "--beside",
        action="store_true",
        help="keep NAME.json beside each file NAME: its row, with all columns",
    )
    add(
        "--shards",
        choices=SHARDS,
        default="",
        metavar="KIND",
        help="tar: keep files in tars of 10,000, for WebDataset, in a folder or in S3",
    )
    for flag, name, what in OPTIONS:
        _add_option(own, flag, name, what)
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
        help="stop after so many seconds of downloading; the rest comes back as "
        "unstarted",
    )
    add(
        "--report",
        metavar="FILE",
        help="account for each row: JSON lines, or .csv or .parquet",
    )
    add(
        "--in-order",
        action="store_true",
        help="put JSON lines in the order of the list in the end, as tables are",
    )
    add(
        "--retry",
        choices=("healable", "failed", "all", "none"),
        default="healable",
        help="which rows of an earlier report to retry: those that may succeed now "
        "(the default), all that are not ok, all, or only those not tried before",
    )
    return own


def _formatter(prog: str) -> argparse.RawDescriptionHelpFormatter:
    """Return argparse's own, which would load three compressors for the width."""
    columns = os.environ.get("COLUMNS", "")
    try:
        width = int(columns) if columns.isdecimal() else os.get_terminal_size().columns
    except OSError:
        width = 0
    return argparse.RawDescriptionHelpFormatter(prog, width=(width or 80) - 2)


def _add_option(
    parser: argparse.ArgumentParser, flag: str, name: str, what: str
) -> None:
    default = getattr(Options(), name)
    if isinstance(default, bool):
        parser.add_argument(flag, dest=name, action="store_true", help=what)
        return
    *options, metavar = flag.split()
    parser.add_argument(
        *options,
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
