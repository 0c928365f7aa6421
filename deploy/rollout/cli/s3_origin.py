"""`rollout origin`: files in S3 for executions on AWS to download."""

from __future__ import annotations

import shlex
import sys
from time import monotonic
from typing import TYPE_CHECKING

from rollout.cli import options
from rollout.cli.options import DONE, command
from rollout.s3_origin import objects

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from rollout.cli.options import Commands
    from rollout.target.connection import Target

_SHOWN_EVERY_S = 1.0
_EPILOG = """\
TEMPLATE is s3://BUCKET/origin/... and contains {number}, from 0 to N - 1, and perhaps
{number%16}, its remainder. S3 serves 5,500 reads a second for each key prefix, once it
has learned to tell prefixes apart, and for each bucket at once.

The buckets are yours, in the target's region. One picture is uploaded to each, and S3
copies it there. Nothing outside origin/ is written or removed. Put an origin again to
complete an interrupted one, or to change the size. S3 bills storage by the hour:
removed after a day, it costs a thirtieth of a month's. A bucket with versioning keeps,
and bills, removed versions.

examples:
  rollout origin put --target aws --files 100000 --file-kb 10 \\
      's3://lab-{number%4}/origin/{number%16}/{number}.jpg'
  rollout origin remove --target aws --files 100000 \\
      's3://lab-{number%4}/origin/{number%16}/{number}.jpg'
"""


def add_parser(commands: Commands, parent: argparse.ArgumentParser) -> None:
    """Add `rollout origin` and its verbs."""
    summary = "put files to download into S3, or remove them"
    origin = command(commands, "origin", summary, _EPILOG)
    verbs = origin.add_subparsers(metavar="verb", required=True)
    for verb, run, verb_summary in (
        ("put", _put, "write pictures of one size, after showing the price"),
        ("remove", _remove, "delete them again"),
    ):
        parser = command(verbs, verb, verb_summary, _EPILOG, parent=parent, run=run)
        parser.add_argument("template", metavar="TEMPLATE", help="URLs: see below")
        parser.add_argument(
            "--files", type=int, required=True, metavar="N", help="how many there are"
        )
        if verb == "put":
            _add_size_and_price(parser)


def _add_size_and_price(put: argparse.ArgumentParser) -> None:
    put.add_argument(
        "--file-kb",
        type=int,
        required=True,
        metavar="K",
        help="size of each, in kB of 1,000 bytes",
    )
    what = "most that writing, and a month's storage, may cost"
    options.add_max_cost(put, what)


def _put(arguments: argparse.Namespace) -> int:
    template = objects.numbered(arguments.template, arguments.files)
    size_bytes = arguments.file_kb * 1_000
    target = options.target(arguments)
    priced = objects.price_of(template, size_bytes, target.region)
    objects.check_buckets(target, template)
    options.check_price(
        priced,
        target,
        arguments.max_cost_usd,
        what="for writing them and keeping them for a month",
        instead="Put fewer files, or smaller ones",
    )
    _show_progress(
        objects.put(target, template, size_bytes), arguments.files, "written"
    )
    sys.stdout.write(f"{_settings(arguments, target)}\n")
    if account := options.variables(arguments):
        sys.stderr.write(f"a run that downloads them needs {account} as well\n")
    return DONE


def _remove(arguments: argparse.Namespace) -> int:
    template = objects.numbered(arguments.template, arguments.files)
    target = options.target(arguments)
    objects.check_buckets(target, template)
    _show_progress(objects.remove(target, template), arguments.files, "removed")
    sys.stdout.write(f"removed {arguments.files:,} objects\n")
    return DONE


def _show_progress(counts: Iterator[int], files: int, what: str) -> None:
    """Print progress every second, and at the end, however it ends."""
    done, shown_at = 0, monotonic()
    try:
        for done in counts:
            if monotonic() - shown_at >= _SHOWN_EVERY_S:
                shown_at = monotonic()
                sys.stderr.write(f"{done:,} of {files:,} objects {what}\n")
    finally:
        again = "" if done == files else "; repeat the command to complete it"
        sys.stderr.write(f"{done:,} of {files:,} objects {what}{again}\n")


def _settings(arguments: argparse.Namespace, target: Target) -> str:
    """Return the options of a run that downloads these files."""
    parameters = {
        "target": target.name,
        "endpoint_url": target.endpoint_url,
        "url_template": arguments.template,
        "files": arguments.files,
        "file_kb": arguments.file_kb,
        "allow_private": target.allow_private,
    }
    return " ".join(
        f"-p {name} {shlex.quote(str(value))}"
        for name, value in parameters.items()
        if value
    )
