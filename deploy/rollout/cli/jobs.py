"""`rollout jobs`: the downloader as a service, from the command line."""

from __future__ import annotations

import gzip
import hashlib
import json
import sys
import tempfile
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fetcher.lists.url_list import UrlList, UrlListError
from fetcher.s3.urls import SCHEME
from fetcher.service.function_url_events import size_within
from fetcher.service.jobs.slice_plan import FILES_PER_S
from rollout.cli import options
from rollout.cli.options import DONE, command, name_and_value, print_json
from rollout.cli.url_manifest import add_columns, columns_of
from rollout.errors import SettingError
from rollout.invoke.job_price import price_of
from rollout.invoke.service_client import OVER, ServiceClient
from rollout.manifest.list_conversion import convert
from rollout.price import in_dollars

if TYPE_CHECKING:
    import argparse

    from fetcher.contract.source import Item
    from rollout.cli.options import Commands
    from rollout.target.connection import Target

NOT_ALL = 1

_TAR_SINK = "s3-tar"
_SINKS = ("s3-objects", _TAR_SINK, "discard")
_SENT_BYTES = 3_000_000  # a longer list goes through the service's bucket
_TO_CONVERT = (".parquet", ".zst")  # the service has no pyarrow

_EPILOG = """\
exit status:
  0  done
  1  some of the job's URLs failed, or its list cannot be used
  2  refused or failed, with one line on stderr that says why

examples:
  rollout deploy --target aws --url --bucket my-photos
  rollout jobs submit --target aws urls.parquet --url-column URL --sink s3-tar
  rollout jobs status --target aws --wait ID
  rollout jobs errors --target aws ID
"""


def add_parser(commands: Commands, parent: argparse.ArgumentParser) -> None:
    """Add `rollout jobs` and its verbs."""
    summary = "download a long list with a function that is a service"
    jobs = command(commands, "jobs", summary, _EPILOG)
    verbs = jobs.add_subparsers(metavar="verb", required=True)
    _add_submit(verbs, parent)
    for verb, run, verb_summary in (
        ("status", _status, "print a job's progress"),
        ("errors", _errors, "print the URLs that failed, a JSON object a line"),
    ):
        parser = command(verbs, verb, verb_summary, parent=parent, run=run)
        parser.add_argument("job", metavar="ID", help="as `submit` printed it")
        if verb == "status":
            parser.add_argument(
                "--wait",
                action="store_true",
                help="keep polling until it is over, and show progress",
            )


def _add_submit(verbs: Commands, parent: argparse.ArgumentParser) -> None:
    summary = "make a job and print its progress"
    parser = command(verbs, "submit", summary, parent=parent, run=_submit)
    parser.add_argument(
        "list",
        metavar="LIST",
        help="a file or s3://bucket/key: text, .csv, .tsv, .jsonl or .parquet, also "
        "compressed: .gz, .xz or .zst",
    )
    parser.add_argument(
        "--sink",
        choices=_SINKS,
        default=_SINKS[0],
        help="keep an object for each file, tar files, or nothing (%(default)s)",
    )
    parser.add_argument(
        "--prefix",
        default="",
        metavar="NAME",
        help="where in the service's bucket, below files/ (the job's id)",
    )
    how = "how to fetch, as in max_bytes=1000000"
    options.add_repeated(parser, "--option", "NAME=VALUE", how)
    parser.add_argument(
        "--key",
        default="",
        help="submitting again with the same key makes no second job",
    )
    options.add_max_cost(
        parser,
        f"refuse what costs more at {FILES_PER_S} files a second an execution; slower "
        "files cost more, and a text list in S3 is not priced",
    )
    add_columns(parser, "LIST")


def _submit(arguments: argparse.Namespace) -> int:
    target = options.target(arguments)
    service = ServiceClient(target, arguments.name)
    sink = {"kind": arguments.sink}
    if arguments.prefix:
        sink["prefix"] = arguments.prefix
    request: dict[str, Any] = {"sink": sink}
    if arguments.option:
        request["options"] = dict(map(_option, arguments.option))
    try:
        urls = _urls(arguments, target, service)
    except (UrlListError, OSError) as error:
        raise SettingError(str(error)) from error
    print_json(service.submit(request | urls, arguments.key))
    return DONE


def _check_price(arguments: argparse.Namespace, target: Target, urls: int) -> None:
    """Show the price, before anything is uploaded, and refuse what is too dear."""
    priced = price_of(target, arguments.name, urls, arguments.sink)
    options.check_price(
        priced,
        target,
        arguments.max_cost_usd,
        what=f"some {in_dollars(priced.dollars)} at {FILES_PER_S} files a second in "
        "each execution, without what the bucket keeps",
        instead="Split the list",
    )


def _status(arguments: argparse.Namespace) -> int:
    service = ServiceClient(options.target(arguments), arguments.name)
    if arguments.wait:
        for job in service.progress(arguments.job):
            sys.stderr.write(f"{_progress_line(job)}\n")
    else:
        job = service.status(arguments.job)
    print_json(job)
    is_bad = job["state"] == "failed" or job["totalErrors"]
    return NOT_ALL if job["state"] in OVER and is_bad else DONE


def _errors(arguments: argparse.Namespace) -> int:
    service = ServiceClient(options.target(arguments), arguments.name)
    for error in service.errors(arguments.job):
        sys.stdout.write(f"{json.dumps(error)}\n")
    return DONE


def _urls(
    arguments: argparse.Namespace, target: Target, service: ServiceClient
) -> dict[str, Any]:
    """Return the request's fields for the list, which is uploaded if it is long."""
    name = arguments.list
    columns = columns_of(arguments)
    is_here = not name.startswith(SCHEME)
    if not is_here and columns is None and not name.lower().endswith(_TO_CONVERT):
        return {"manifest": name}
    with tempfile.TemporaryDirectory(prefix="rollout-jobs-") as folder:
        path = Path(folder, "list.jsonl")
        found = convert(name, path, columns, target=target)
        _check_price(arguments, target, found.count)
        if path.stat().st_size <= _SENT_BYTES:
            with closing(UrlList(path)) as urls:
                items = list(urls)
            fields = {"urls": [_fields(item) for item in items]}
            has_columns = arguments.sink == _TAR_SINK  # which requests cannot name
            is_plain = not any(
                item.refusal or (has_columns and item.carried) for item in items
            )
            if is_plain and size_within(fields) <= _SENT_BYTES:
                return fields
        body = path.read_bytes()
    digest = hashlib.sha256(body).hexdigest()
    packed = gzip.compress(body, mtime=0)
    return {"manifest": service.upload(f"{digest}{path.suffix}.gz", packed)}


def _fields(item: Item) -> dict[str, str]:
    optional = {"destination": item.destination, "sha256": item.sha256}
    return {"url": item.url} | {name: text for name, text in optional.items() if text}


def _option(text: str) -> tuple[str, Any]:
    name, value = name_and_value(text, example="max_bytes=1000000")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value  # a text needs no quotes


def _progress_line(job: dict[str, Any]) -> str:
    """
    Return a job's progress on one line.

    >>> _progress_line({"state": "planning", "urls": None})
    'planning'
    """
    if job["urls"] is None:
        return str(job["state"])
    ended = job["urls"] - job["remaining"]
    return (
        f"{job['state']}: {ended:,} of {job['urls']:,} URLs, "
        f"{job['totalErrors']:,} errors, {job['slices']['running']:,} at work"
    )
