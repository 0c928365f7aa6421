"""`rollout manifest`: converts a table or list of URLs into one that runs take."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from fetcher.lists.url_list import Columns, UrlListError
from fetcher.s3.urls import SCHEME
from rollout.cli import options
from rollout.cli.options import DONE, command, print_json
from rollout.errors import SettingError
from rollout.manifest.list_conversion import convert

if TYPE_CHECKING:
    import argparse

    from rollout.cli.options import Commands

_ENDING = ".jsonl"
_WHAT = {
    "url": "of URLs (default: url, image_url, link, or alike)",
    "name": "of names to store files under (default: destination)",
    "sha256": "of digests in hex (default: sha256)",
}
_EPILOG = """\
LIST appears only after every row was read; memory use does not depend on the
manifest's length. LIST is for `url_list` in a notebook, and for `fetcher`; both read
MANIFEST itself, too, from this machine or from s3://bucket/key. LIST has the same rows,
bad ones included, and the same columns; one called url, destination or sha256 that is
not used as such becomes list_url, list_destination or list_sha256.

examples:
  rollout manifest laion.parquet urls.jsonl --url-column URL
  rollout manifest --target aws s3://my-lists/2026.csv.zst urls.jsonl
"""


def add_parser(commands: Commands, parent: argparse.ArgumentParser) -> None:
    """Add `rollout manifest`."""
    summary = "make a list of URLs from Parquet, CSV, JSON lines or text, also in S3"
    parser = command(
        commands, "manifest", summary, _EPILOG, parent=parent, run=_manifest
    )
    parser.add_argument(
        "manifest",
        metavar="MANIFEST",
        help="a file, a pattern, - or s3://bucket/key: text, a table, .jsonl, .parquet",
    )
    parser.add_argument("to", metavar=f"LIST{_ENDING}", help="the file to write")
    add_columns(parser, "MANIFEST")
    parser.add_argument(
        "--skip-bad",
        action="store_true",
        help="leave out rows that cannot be used",
    )
    parser.add_argument(
        "--strict",
        action="store_true",
        help="refuse a manifest with any row that cannot be used",
    )


def add_columns(parser: argparse.ArgumentParser, of: str) -> None:
    """Add the options that name a manifest's columns."""
    for column in ("url", "name", "sha256"):
        earlier = ["--destination-column"] if column == "name" else []
        parser.add_argument(
            f"--{column}-column",
            *earlier,
            default="",
            metavar="NAME",
            help=f"{of}'s column {_WHAT[column]}",
        )


def columns_of(arguments: argparse.Namespace) -> Columns | None:
    """Return the columns' names; None if no option names one."""
    found = Columns(
        url=arguments.url_column,
        name=arguments.name_column,
        sha256=arguments.sha256_column,
    )
    return None if found == Columns() else found


def _manifest(arguments: argparse.Namespace) -> int:
    name, to = arguments.manifest, Path(arguments.to)
    if arguments.to.startswith(SCHEME):
        msg = (
            f"The list is {arguments.to}; it is written to this machine. Name a file, "
            f"and copy it: aws s3 cp {to.name} {arguments.to}"
        )
        raise SettingError(msg)
    if not to.parent.is_dir():
        msg = f"The list is {to}, but there is no folder {to.parent}. Make it first."
        raise SettingError(msg)
    if to.suffix != _ENDING:
        msg = f"The list is {to}; its name must end in {_ENDING}."
        raise SettingError(msg)
    if to.is_dir():
        msg = f"The list is {to}, which is a folder. Name a file."
        raise SettingError(msg)
    target = options.target(arguments) if name.startswith(SCHEME) else None
    try:
        listed = convert(
            name,
            to,
            columns_of(arguments),
            target=target,
            strict=arguments.strict,
            skip_bad=arguments.skip_bad,
        )
    except (UrlListError, OSError) as error:
        raise SettingError(str(error)) from error
    print_json({"list": str(to), "urls": listed.count, "skipped": listed.skipped})
    for remark in listed.remarks:
        sys.stderr.write(f"{remark}\n")
    return DONE
