"""
Files to download in S3, for experiments on AWS: put there, and removed again.

One picture is uploaded to each bucket, and S3 copies it to all other keys: of a million
files of 1.7 MB only the requests leave this machine.
"""

from __future__ import annotations

from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor, as_completed
from threading import Event
from typing import TYPE_CHECKING, TypeVar

from fetcher.contract.source import Template
from fetcher.s3.urls import place_of
from origin.picture import check_size, jpeg
from rollout.errors import PreflightError, RolloutError, SettingError
from rollout.preflight import bucket
from rollout.price import Bill, Billable, bill
from rollout.s3_origin.s3_spread import first_of_each_bucket, folders_of
from rollout.target.machine import ARCHITECTURES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from fetcher.contract.source import Item
    from rollout.target.target import Target

FOLDER = "origin"  # nothing outside of it is written, or removed

T = TypeVar("T")

_AT_ONCE = 64
_COPIES = 50  # are done by a thread before progress is told
_MOST_KEYS = 1_000  # of a DeleteObjects


class S3OriginError(RolloutError):
    """Objects of an origin in S3 could not be removed."""


def numbered(text: str, files: int) -> Template:
    """
    Return the URLs of an origin.

    Raises:
        SettingError: If they are none, or of objects outside of `FOLDER`.
    """
    if files < 1:
        msg = f"{files:,} files are wanted; there must be at least 1."
        raise SettingError(msg)
    try:
        template = Template(text, ((0, files),))
        folders = folders_of(template)
    except ValueError as error:
        raise SettingError(str(error)) from error
    if not all(f"{folder.key}/".startswith(f"{FOLDER}/") for folder in folders):
        msg = (
            f"{text!r} names keys that do not begin with {FOLDER}/. An origin is "
            "written over and removed as a whole, so it has a folder of its own: "
            f"s3://bucket/{FOLDER}/{{number}}.jpg."
        )
        raise SettingError(msg)
    return template


def check_buckets(target: Target, template: Template) -> None:
    """
    Refuse buckets that are not there, or not in the target's region.

    Raises:
        PreflightError: With all that is wrong with them.
    """
    places = first_of_each_bucket(template).values()
    found = [said for place in places for said in bucket.problems(target, place)]
    if found:
        raise PreflightError(found)


def price_of(template: Template, size_bytes: int) -> Bill:
    """
    Return what putting costs, and a month of keeping.

    Raises:
        SettingError: If there is no picture of that size.
    """
    try:
        check_size(size_bytes)
    except ValueError as error:
        raise SettingError(str(error)) from error
    used = Billable(
        architecture=ARCHITECTURES[0],
        memory_mb=0,
        tmp_mb=0,
        invocations=0,
        billed_s=0.0,
        s3_writes=len(template),
        stored_bytes=len(template) * size_bytes,
    )
    return Bill(tuple(item for item in bill(used).items if item.amount))


def put(target: Target, template: Template, size_bytes: int) -> Iterator[int]:
    """
    Write all objects, over what is there.

    Yields:
        How many are written so far.

    Raises:
        botocore.exceptions.ClientError: If S3 refuses, even when it is asked again.
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
    Remove all objects, whether they are there or not.

    Yields:
        How many are removed so far.

    Raises:
        S3OriginError: If S3 keeps one.
    """
    client = target.client_for_threads("s3", _AT_ONCE)
    buckets = len(first_of_each_bucket(template))

    def delete(some: Template) -> int:
        keys = defaultdict(list)
        for item in some:
            name, key = place_of(item.url)
            keys[name].append({"Key": key})
        for name, objects in keys.items():
            answer = client.delete_objects(
                Bucket=name, Delete={"Objects": objects, "Quiet": True}
            )
            for kept in answer.get("Errors", ()):
                msg = (
                    f"S3 keeps {kept['Key']} in {name}: {kept['Code']}, "
                    f"{kept['Message']}. The same command again goes on."
                )
                raise S3OriginError(msg)
        return len(some)

    # Of so many numbers in a row, each bucket has the keys of one call.
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
    Do all work, a part in one thread, and nothing more once it is broken off.

    Args:
        work: Does some, and returns how much that was.

        parts: What there is to do.

    Yields:
        How much is done so far.
    """
    is_over = Event()

    def do(part: Iterable[T]) -> int:
        return sum(work(one) for one in part if not is_over.is_set())

    with ThreadPoolExecutor(_AT_ONCE) as threads:
        try:
            done = 0
            for one in as_completed([threads.submit(do, part) for part in parts]):
                done += one.result()
                yield done
        finally:
            is_over.set()
            threads.shutdown(wait=False, cancel_futures=True)
