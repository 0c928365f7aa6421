"""
Files to download in S3, for experiments on AWS.

One picture is uploaded to each bucket, and S3 copies it to all other keys: for a
million files of 1.7 MB, only requests leave this machine.
"""

from __future__ import annotations

from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor, as_completed
from threading import Event
from typing import TYPE_CHECKING, TypeVar

from fetcher.contract.template_source import Template
from fetcher.s3.urls import place_of
from origin.picture import check_size, jpeg
from rollout.errors import PreflightError, RolloutError, SettingError
from rollout.preflight import bucket
from rollout.price import Bill, Billable, bill
from rollout.s3_origin.buckets_and_prefixes import first_of_each_bucket, folders_of
from rollout.target.runtime_platform import ARCHITECTURES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from fetcher.contract.source import Item
    from rollout.target.connection import Target

FOLDER = "origin"  # nothing outside it is written or removed

T = TypeVar("T")

_AT_ONCE = 64
_COPIES = 50  # by a thread, before it reports progress
_MOST_KEYS = 1_000  # in a DeleteObjects


class S3OriginError(RolloutError):
    """An origin's objects in S3 could not be removed."""


def numbered(text: str, files: int) -> Template:
    """
    Return an origin's URLs.

    Raises:
        SettingError: If the template is wrong, or names objects outside `FOLDER`.
    """
    if files < 1:
        msg = f"--files is {files:,}; it must be at least 1."
        raise SettingError(msg)
    try:
        template = Template(text, ((0, files),))
        folders = folders_of(template)
    except ValueError as error:
        raise SettingError(str(error)) from error
    if not all(f"{folder.key}/".startswith(f"{FOLDER}/") for folder in folders):
        msg = (
            f"{text!r} names keys that do not begin with {FOLDER}/. An origin is "
            "overwritten and removed as a whole, so it needs a folder of its own: "
            f"s3://bucket/{FOLDER}/{{number}}.jpg."
        )
        raise SettingError(msg)
    return template


def check_buckets(target: Target, template: Template) -> None:
    """
    Refuse buckets that do not exist in the target's region.

    Raises:
        PreflightError: With every problem found.
    """
    places = first_of_each_bucket(template).values()
    problems = [one for place in places for one in bucket.problems(target, place)]
    if problems:
        raise PreflightError(problems)


def price_of(template: Template, size_bytes: int, region: str) -> Bill:
    """
    Return the bill for writing the files in a region, and keeping them for a month.

    Raises:
        SettingError: If there is no picture of that size.
    """
    try:
        check_size(size_bytes)
    except ValueError as error:
        raise SettingError(str(error)) from error
    usage = Billable(
        architecture=ARCHITECTURES[0],
        memory_mb=0,
        tmp_mb=0,
        invocations=0,
        billed_s=0.0,
        region=region,
        s3_writes=len(template),
        stored_bytes=len(template) * size_bytes,
    )
    return Bill(tuple(item for item in bill(usage).items if item.amount))


def put(target: Target, template: Template, size_bytes: int) -> Iterator[int]:
    """
    Write all objects, replacing old ones; yield the number written so far.

    Raises:
        botocore.exceptions.ClientError: If S3 refuses, also after retries.
    """
    client = target.client_for_threads("s3", _AT_ONCE)
    sources = first_of_each_bucket(template)
    picture = jpeg(size_bytes)
    for name, source in sources.items():
        client.put_object(
            Bucket=name, Key=source.key, Body=picture, ContentType="image/jpeg"
        )

    def copy(item: Item) -> int:
        name, key = place_of(item.url)
        source = sources[name].key
        if key != source:
            client.copy_object(
                Bucket=name, Key=key, CopySource={"Bucket": name, "Key": source}
            )
        return 1

    at_a_time = max(1, min(_COPIES, len(template) // _AT_ONCE))
    return _in_threads(copy, _parts(template, at_a_time))


def remove(target: Target, template: Template) -> Iterator[int]:
    """
    Remove all objects, as far as they exist; yield the number removed so far.

    Raises:
        S3OriginError: If S3 cannot remove one.
    """
    client = target.client_for_threads("s3", _AT_ONCE)
    buckets = len(first_of_each_bucket(template))

    def delete(part: Template) -> int:
        keys = defaultdict(list)
        for item in part:
            name, key = place_of(item.url)
            keys[name].append({"Key": key})
        for name, objects in keys.items():
            response = client.delete_objects(
                Bucket=name, Delete={"Objects": objects, "Quiet": True}
            )
            for error in response.get("Errors", ()):
                msg = (
                    f"S3 could not remove {error['Key']} from {name}: "
                    f"{error['Code']}, {error['Message']}. Repeat the command to go on."
                )
                raise S3OriginError(msg)
        return len(part)

    # So many consecutive numbers have one call's keys in each bucket.
    calls = _parts(template, _MOST_KEYS * buckets)
    return _in_threads(delete, ([call] for call in calls))


def _parts(template: Template, at_a_time: int) -> Iterator[Template]:
    files = len(template)
    for first in range(0, files, at_a_time):
        yield Template(template.text, ((first, min(at_a_time, files - first)),))


def _in_threads(
    work: Callable[[T], int], parts: Iterable[Iterable[T]]
) -> Iterator[int]:
    """
    Work on all parts, each in one thread; yield the amount done so far.

    Once interrupted, nothing more is started.
    """
    stopped = Event()

    def do(part: Iterable[T]) -> int:
        return sum(work(one) for one in part if not stopped.is_set())

    with ThreadPoolExecutor(_AT_ONCE) as threads:
        try:
            done = 0
            for one in as_completed([threads.submit(do, part) for part in parts]):
                done += one.result()
                yield done
        finally:
            stopped.set()
            threads.shutdown(wait=False, cancel_futures=True)
