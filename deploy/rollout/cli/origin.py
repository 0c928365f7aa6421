"""`rollout origin`: files to download in S3, where executions on AWS reach them."""

from __future__ import annotations

import argparse
import shlex
import sys
from time import monotonic
from typing import TYPE_CHECKING

from rollout.cli import options
from rollout.errors import PreflightError
from rollout.price import in_dollars
from rollout.s3_origin import s3

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rollout.price import Bill
    from rollout.target.target import Target

DONE = 0

_TOLD_EVERY_S = 1.0
_CENT = 0.01
_EPILOG = """\
TEMPLATE is s3://BUCKET/origin/... with {number} in it, from 0 to N - 1, and, for its
remainder, {number%16}. S3 gives each beginning of keys 5,500 reads a second, and new
ones when it has learned to tell them apart; buckets are apart from the first moment.

The buckets are yours, in the region of the target. One picture is uploaded to each, S3
copies it there. Nothing outside of origin/ is written or removed. Broken off, or of
another size, an origin is made whole by putting it again. S3 bills what is kept by the
hour: removed after a day, a month's storage costs a thirtieth. A bucket that keeps
versions keeps, and bills, those of what was removed.

examples:
  rollout origin put --target aws --files 100000 --file-kb 10 \\
      's3://lab-{number%4}/origin/{number%16}/{number}.jpg'
  rollout origin remove --target aws --files 100000 \\
      's3://lab-{number%4}/origin/{number%16}/{number}.jpg'
"""


def add_parser(
    commands: argparse._SubParsersAction[argparse.ArgumentParser],
    parent: argparse.ArgumentParser,
) -> None:
    """Make the command known."""
    origin = commands.add_parser(
        "origin",
        help="put files to download into S3, or remove them",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    verbs = origin.add_subparsers(metavar="verb", required=True)
    put = _add_verb(verbs, parent, "put", "write pictures of one size, priced before")
    put.set_defaults(command=_put)
    put.add_argument(
        "--file-kb",
        type=int,
        required=True,
        metavar="K",
        help="size of each, in kB of 1,000 bytes",
    )
    put.add_argument(
        "--max-cost-usd",
        type=float,
        default=5.0,
        metavar="DOLLARS",
        help="what writing, and a month's storage, may cost at most (%(default)s)",
    )
    remove = _add_verb(verbs, parent, "remove", "delete them again")
    remove.set_defaults(command=_remove)


def _add_verb(
    verbs: argparse._SubParsersAction[argparse.ArgumentParser],
    parent: argparse.ArgumentParser,
    verb: str,
    what: str,
) -> argparse.ArgumentParser:
    parser = verbs.add_parser(
        verb,
        parents=[parent],
        help=what,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("template", metavar="TEMPLATE", help="their URLs: see below")
    parser.add_argument(
        "--files", type=int, required=True, metavar="N", help="how many there are"
    )
    return parser


def _put(arguments: argparse.Namespace) -> int:
    template = s3.numbered(arguments.template, arguments.files)
    size_bytes = arguments.file_kb * 1_000
    price = s3.price_of(template, size_bytes)
    target = options.target(arguments)
    s3.check_buckets(target, template)
    _check_price(price, target, arguments.max_cost_usd)
    _follow(s3.put(target, template, size_bytes), arguments.files, "written")
    sys.stdout.write(f"{_settings(arguments, target)}\n")
    if account := options.variables(arguments):
        sys.stderr.write(f"a run that downloads them needs {account} as well\n")
    return DONE


def _remove(arguments: argparse.Namespace) -> int:
    template = s3.numbered(arguments.template, arguments.files)
    target = options.target(arguments)
    s3.check_buckets(target, template)
    _follow(s3.remove(target, template), arguments.files, "removed")
    sys.stdout.write(f"removed {arguments.files:,} objects\n")
    return DONE


def _check_price(price: Bill, target: Target, most: float) -> None:
    head = "dollars:" if target.asks_iam else "dollars: none, it is local; on AWS:"
    sys.stderr.write("\n".join((head, *price.lines(), "")))
    if target.asks_iam and not price.dollars <= most:
        msg = (
            f"This costs {in_dollars(price.dollars)}, more than the {in_dollars(most)} "
            "of --max-cost-usd. Put fewer files, or smaller ones, or set "
            f"--max-cost-usd to {price.dollars + _CENT:.2f}."
        )
        raise PreflightError([msg])


def _follow(counts: Iterator[int], files: int, what: str) -> None:
    """Tell how far it is, every second, and at its end, whatever that is."""
    done, told_at = 0, monotonic()
    try:
        for done in counts:
            if monotonic() - told_at >= _TOLD_EVERY_S:
                told_at = monotonic()
                sys.stderr.write(f"{done:,} of {files:,} objects {what}\n")
    finally:
        again = "" if done == files else "; the same command again completes it"
        sys.stderr.write(f"{done:,} of {files:,} objects {what}{again}\n")


def _settings(arguments: argparse.Namespace, target: Target) -> str:
    """Return the parameters of a run that downloads them, as its command takes them."""
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
