"""A list cut into objects in S3, as `fetcher.s3.slices` reads them, and back."""

from __future__ import annotations

import json
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from fetcher.s3.slices import PER_SLICE, Slices, pack_rows
from fetcher.s3.urls import prefix_of
from fetcher.source import Item
from rollout.errors import DeployError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from concurrent.futures import Future
    from pathlib import Path

    from rollout.target import Target

_AT_ONCE = 8


def slice_up(listed: Path, where: str, target: Target) -> Slices:
    """
    Put a list where executions can read it.

    Args:
        listed: JSON lines, as `rollout.manifest.convert` writes them.

        where: What the objects' keys begin with: ``s3://bucket/prefix``; nothing else
            may be there.

        target: Where S3 is.

    Returns:
        The whole list as a source.

    Raises:
        DeployError: If S3 does not take it.
    """
    prefix_of(where)
    slices, many = Slices(where, ()), 0
    sent: deque[Future[object]] = deque()
    client = target.client("s3")
    with _explained(where), ThreadPoolExecutor(_AT_ONCE) as senders:
        for index, items in enumerate(_pieces(listed)):
            many += len(items)
            place = slices.place_of(index)
            sent.append(
                senders.submit(
                    client.put_object,
                    Bucket=place.bucket,
                    Key=place.key,
                    Body=pack_rows(items),
                )
            )
            if len(sent) > 2 * _AT_ONCE:
                sent.popleft().result()
        for one in sent:
            one.result()
    return replace(slices, ranges=((0, many),))


def read(slices: Slices, target: Target) -> Iterator[Item]:
    """
    Yield the items of a source in S3 on this machine.

    Raises:
        DeployError: If S3 does not give them.
    """
    client = target.client("s3")
    with _explained(slices.where):
        for index, stretches in slices.objects():
            place = slices.place_of(index)
            found = client.get_object(Bucket=place.bucket, Key=place.key)
            yield from slices.items_in(index, stretches, found["Body"].read())


def remove(where: str, target: Target) -> int:
    """
    Delete the objects of a list.

    Returns:
        How many there were.
    """
    place, many = prefix_of(where), 0
    client = target.client("s3")
    with _explained(where):
        pages = client.get_paginator("list_objects_v2").paginate(
            Bucket=place.bucket, Prefix=f"{place.key}/" if place.key else ""
        )
        for page in pages:
            keys = [{"Key": found["Key"]} for found in page.get("Contents", ())]
            if keys:
                client.delete_objects(Bucket=place.bucket, Delete={"Objects": keys})
            many += len(keys)
    return many


def _pieces(listed: Path) -> Iterator[list[Item]]:
    with listed.open("rb") as file:
        rows = enumerate(map(json.loads, file))
        while piece := list(islice(rows, PER_SLICE)):
            yield [
                Item(
                    number,
                    row["url"],
                    row.get("destination", ""),
                    row.get("sha256", ""),
                )
                for number, row in piece
            ]


@contextmanager
def _explained(where: str) -> Iterator[None]:
    try:
        yield
    except (ClientError, BotoCoreError) as error:
        msg = f"The list at {where} cannot be written or read. AWS says: {error}"
        raise DeployError(msg) from error
