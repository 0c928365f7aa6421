"""`rollout manifest`: converts a table or list of URLs into one that runs take."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from fetcher.lists.lines import UrlListError
from fetcher.s3.urls import SCHEME
from rollout.cli import options
from rollout.cli.options import DONE, command, print_json
from rollout.errors import SettingError
from rollout.manifest.convert import convert
from rollout.manifest.rows import Columns

if TYPE_CHECKING:
    import argparse

    from rollout.cli.options import Commands

_ENDING = ".jsonl"
_EPILOG = """\
Checks every row before LIST gets its name, in the same little memory for a manifest of
any length. LIST is for `url_list` in a notebook, and for `fetcher`.

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
        help="a file or s3://bucket/key: .parquet, .csv, .jsonl or text; .gz, .zst",
    )
    parser.add_argument("to", metavar=f"LIST{_ENDING}", help="the file to write")
    add_columns(parser, "MANIFEST")
    parser.add_argument(
        "--skip-bad",
        action="store_true",
        help="leave out unusable rows and list them, instead of refusing the manifest",
    )


def add_columns(parser: argparse.ArgumentParser, of: str) -> None:
    """Add the options that name a manifest's columns."""
    for column in ("url", "destination", "sha256"):
        parser.add_argument(
            f"--{column}-column",
            default="",
            metavar="NAME",
            help=f"{of}'s name for the column {column}",
        )


def columns_of(arguments: argparse.Namespace) -> Columns | None:
    """Return the columns' names; None if no option names one."""
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
    print_json({"list": str(to), "urls": listed.count, "skipped": listed.skipped})
    if listed.problems:
        sys.stderr.write(f"{listed.problems}\n")
    return DONE
