"""`rollout manifest`: a table or list from elsewhere into one that a run takes."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from fetcher.lists.lines import UrlListError
from fetcher.s3.urls import SCHEME
from rollout.cli import options
from rollout.errors import SettingError
from rollout.manifest.convert import convert
from rollout.manifest.rows import Columns

DONE = 0

_ENDING = ".jsonl"
_EPILOG = """\
Every row is checked before anything is written under that name, and a manifest of any
length takes the same little memory. What comes out is for `url_list` in a notebook, and
for `fetcher`.

examples:
  rollout manifest laion.parquet urls.jsonl --url-column URL
  rollout manifest --target aws s3://my-lists/2026.csv.zst urls.jsonl
"""


def add_parser(
    commands: argparse._SubParsersAction[argparse.ArgumentParser],
    parent: argparse.ArgumentParser,
) -> None:
    """Make the command known."""
    parser = commands.add_parser(
        "manifest",
        parents=[parent],
        help="make a list of URLs from Parquet, CSV, JSON lines or text, also in S3",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(command=_manifest)
    parser.add_argument(
        "manifest",
        metavar="MANIFEST",
        help="a file or s3://bucket/key: .parquet, .csv, .jsonl or text; .gz, .zst",
    )
    parser.add_argument("to", metavar=f"LIST{_ENDING}", help="what is written")
    add_columns(parser, "MANIFEST")
    parser.add_argument(
        "--skip-bad",
        action="store_true",
        help="leave out rows that cannot be used, and say which, instead of refusing",
    )


def add_columns(parser: argparse.ArgumentParser, of: str) -> None:
    """Add the options that name a manifest's columns."""
    for column in ("url", "destination", "sha256"):
        parser.add_argument(
            f"--{column}-column",
            default="",
            metavar="NAME",
            help=f"what {of} calls the column {column}",
        )


def columns_of(arguments: argparse.Namespace) -> Columns | None:
    """Return what the columns are called; None if nobody says."""
    url, destination, sha256 = (
        arguments.url_column,
        arguments.destination_column,
        arguments.sha256_column,
    )
    if not (url or destination or sha256):
        return None
    return Columns(url=url or Columns().url, destination=destination, sha256=sha256)


def _manifest(arguments: argparse.Namespace) -> int:
    name, to = arguments.manifest, Path(arguments.to)
    if to.suffix != _ENDING:
        msg = f"The list is to be {to}; its name must end in {_ENDING}."
        raise SettingError(msg)
    if to.is_dir():
        msg = f"The list is to be {to}, which is a folder."
        raise SettingError(msg)
    target = options.target(arguments) if name.startswith(SCHEME) else None
    aside = to.with_name(f"{to.name}.part")
    try:
        listed = convert(
            name,
            aside,
            columns_of(arguments),
            target=target,
            skip_bad=arguments.skip_bad,
        )
        aside.replace(to)
    except (UrlListError, OSError) as error:
        raise SettingError(str(error)) from error
    told = {"list": str(to), "urls": listed.count, "skipped": listed.skipped}
    sys.stdout.write(f"{json.dumps(told, indent=2)}\n")
    if listed.problems:
        sys.stderr.write(f"{listed.problems}\n")
    return DONE
