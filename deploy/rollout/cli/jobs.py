"""`rollout jobs`: the downloader as a service, from the command line."""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import shutil
import sys
import tempfile
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fetcher.lists.lines import UrlListError
from fetcher.lists.url_list import UrlList
from fetcher.s3.urls import SCHEME
from fetcher.service.http import size_within
from rollout.cli import options
from rollout.cli.manifest import add_columns, columns_of
from rollout.errors import SettingError
from rollout.invoke.service import OVER, Service
from rollout.manifest.convert import convert

if TYPE_CHECKING:
    from fetcher.contract.source import Item
    from rollout.target.target import Target

DONE = 0
NOT_ALL = 1

_SINKS = ("s3-objects", "s3-tar", "discard")
_SENT_BYTES = 3_000_000  # what is longer is put into the service's bucket
_TO_CONVERT = (".parquet", ".json", ".ndjson", ".zst", ".json.gz", ".ndjson.gz")

_EPILOG = """\
exit status:
  0  done
  1  some URL of the job did not arrive, or its list cannot be used
  2  refused or failed; why stands on stderr in one line

examples:
  rollout deploy --target aws --url --bucket my-photos
  rollout jobs submit --target aws urls.parquet --url-column URL --sink s3-tar
  rollout jobs status --target aws --wait ID
  rollout jobs errors --target aws ID
"""


def add_parser(
    commands: argparse._SubParsersAction[argparse.ArgumentParser],
    parent: argparse.ArgumentParser,
) -> None:
    """Make the command known."""
    jobs = commands.add_parser(
        "jobs",
        help="have a long list downloaded by a function that is a service",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    verbs = jobs.add_subparsers(metavar="verb", required=True)
    _add_submit(verbs, parent)
    for verb, command, what in (
        ("status", _status, "print how far a job is"),
        ("errors", _errors, "print the URLs that did not arrive, a JSON object a line"),
    ):
        parser = verbs.add_parser(verb, parents=[parent], help=what)
        parser.set_defaults(command=command)
        parser.add_argument("job", metavar="ID", help="as `submit` printed it")
        if verb == "status":
            parser.add_argument(
                "--wait", action="store_true", help="until it is over; say how it goes"
            )


def _add_submit(
    verbs: argparse._SubParsersAction[argparse.ArgumentParser],
    parent: argparse.ArgumentParser,
) -> None:
    parser = verbs.add_parser(
        "submit", parents=[parent], help="make a job and print how far it is"
    )
    parser.set_defaults(command=_submit)
    parser.add_argument(
        "list",
        metavar="LIST",
        help="a file or s3://bucket/key: text, .csv, .jsonl or .parquet; .gz, .zst",
    )
    parser.add_argument(
        "--sink",
        choices=_SINKS,
        default=_SINKS[0],
        help="an object a file, tar files, or nothing is kept (%(default)s)",
    )
    parser.add_argument(
        "--prefix",
        default="",
        metavar="NAME",
        help="where in the service's bucket, below files/ (the job's id)",
    )
    parser.add_argument(
        "--option",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="how it is fetched, as in max_bytes=1000000; may be repeated",
    )
    parser.add_argument(
        "--key", default="", help="used again, it names the same job: for safe retries"
    )
    add_columns(parser, "LIST")


def _submit(arguments: argparse.Namespace) -> int:
    target = options.target(arguments)
    service = Service(target, arguments.name)
    sink = {"kind": arguments.sink}
    if arguments.prefix:
        sink["prefix"] = arguments.prefix
    request: dict[str, Any] = {"sink": sink}
    if arguments.option:
        request["options"] = dict(map(_option, arguments.option))
    try:
        listed = _list(arguments, target, service)
    except (UrlListError, OSError) as error:
        raise SettingError(str(error)) from error
    _print(service.submit(request | listed, arguments.key))
    return DONE


def _status(arguments: argparse.Namespace) -> int:
    service = Service(options.target(arguments), arguments.name)
    if arguments.wait:
        for told in service.progress(arguments.job):
            sys.stderr.write(f"{_line(told)}\n")
    else:
        told = service.status(arguments.job)
    _print(told)
    is_bad = told["state"] == "failed" or told["totalErrors"]
    return NOT_ALL if told["state"] in OVER and is_bad else DONE


def _errors(arguments: argparse.Namespace) -> int:
    service = Service(options.target(arguments), arguments.name)
    for error in service.errors(arguments.job):
        sys.stdout.write(f"{json.dumps(error)}\n")
    return DONE


def _list(
    arguments: argparse.Namespace, target: Target, service: Service
) -> dict[str, Any]:
    """Return what names the list in a request; upload it if it is long."""
    name = arguments.list
    columns = columns_of(arguments)
    is_text = columns is None and not name.lower().endswith(_TO_CONVERT)
    if is_text and name.startswith(SCHEME):
        return {"manifest": name}
    with tempfile.TemporaryDirectory(prefix="rollout-jobs-") as folder:
        if not is_text:
            path = Path(folder, "list.jsonl")
            convert(name, path, columns, target=target)
        elif name.lower().endswith(".gz"):
            path = Path(folder, Path(name).stem)
            _inflate(Path(name), path)
        else:
            path = Path(name)
        urls = UrlList(path)  # checks every line
        if path.stat().st_size <= _SENT_BYTES:
            listed = {"urls": [_fields(item) for item in urls]}
            if size_within(listed) <= _SENT_BYTES:
                return listed
        body = path.read_bytes()
    digest = hashlib.sha256(body).hexdigest()
    packed = gzip.compress(body, mtime=0)
    return {"manifest": service.upload(f"{digest}{path.suffix}.gz", packed)}


def _inflate(packed: Path, to: Path) -> None:
    try:
        with gzip.open(packed) as source, to.open("wb") as file:
            shutil.copyfileobj(source, file)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        msg = f"{packed} is not whole, or not gzip: {error}."
        raise SettingError(msg) from error


def _fields(item: Item) -> dict[str, str]:
    named = {"destination": item.destination, "sha256": item.sha256}
    return {"url": item.url} | {name: text for name, text in named.items() if text}


def _option(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not (name and equals):
        msg = f"{text!r} is no NAME=VALUE, as in max_bytes=1000000."
        raise SettingError(msg)
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value  # a text need not stand in quotes


def _line(told: dict[str, Any]) -> str:
    """
    Return how far a job is, on one line.

    >>> _line({"state": "planning", "urls": None})
    'planning'
    """
    if told["urls"] is None:
        return str(told["state"])
    ended = told["urls"] - told["remaining"]
    return (
        f"{told['state']}: {ended:,} of {told['urls']:,} URLs, "
        f"{told['totalErrors']:,} errors, {told['slices']['running']:,} at work"
    )


def _print(told: dict[str, Any]) -> None:
    sys.stdout.write(f"{json.dumps(told, indent=2)}\n")
