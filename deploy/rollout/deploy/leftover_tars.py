"""Leftovers of ``s3-tar`` in S3: tars without a report, and unfinished uploads."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from fetcher.sinks.tars.member import END
from fetcher.sinks.tars.s3_tar import tar_of
from fetcher.sinks.tars.s3_tar_index import index_of
from rollout.deploy.expected_errors import unless_done
from rollout.errors import DeployError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from fetcher.s3.urls import Place
    from rollout.target.connection import Target

_AT_ONCE = 16
_TAR = re.compile(r"(\d{2,})-(\d{5,})\.tar")  # as `tar_of` calls them
# In a run's folder; a wave of more digits is rather a year.
_TAR_OF_A_RUN = re.compile(r"(?:[^/]+/)+\d{2}-\d{5,}\.tar")
_NO_BUCKET = "NoSuchBucket"
_NO_UPLOAD = "NoSuchUpload"

Shards = set[tuple[int, int]]  # wave and index


def check_prefix_unused(target: Target, prefix: Place, run: str) -> None:
    """
    Refuse a prefix where another run of this name has written tars.

    Executions would mistake them for their own.

    Raises:
        DeployError: If there are some, or S3 refuses.
    """
    with _explained(prefix, "looked for"):
        is_used = bool(_tars(target, prefix.below(run)))
        # Missing permissions show before anything is paid for.
        next(_pages(target, prefix, "list_multipart_uploads", "Uploads"), None)
    if is_used:
        msg = (
            f"{prefix.below(run)} already has tars, of another run called {run}. "
            "Choose another run_folder, or another sink_path."
        )
        raise DeployError(msg)


def seal_unreported(
    target: Target, prefix: Place, run: str, invoked: Shards, reported: Shards
) -> Shards:
    """
    Replace the tars of unreported shards by empty ones, before their URLs are redealt.

    A shard still at work will find the empty tar, and write none. So no file will be in
    two tars.

    Returns:
        The shards whose tars were replaced: invoked, or with a tar, and unreported.

    Raises:
        DeployError: If S3 refuses.
    """
    with _explained(prefix, "removed"):
        _abort(target, prefix.below(run), _TAR)
        lost = (invoked | _tars(target, prefix.below(run))) - reported
        tars = [tar_of(prefix, run, *one) for one in sorted(lost)]
        with ThreadPoolExecutor(_AT_ONCE) as senders:
            for _ in senders.map(lambda tar: _empty(target, tar), tars):
                pass  # raises refusals
    return lost


def abort_uploads(target: Target, prefix: Place) -> list[str]:
    """
    Abort unfinished uploads of any run's tars below a prefix, which are billed.

    No execution that should succeed may be at work: it would lose its upload.

    Uploads of other programs are left alone.

    Returns:
        Descriptions of the uploads; none if the bucket is gone.

    Raises:
        DeployError: If S3 refuses.
    """
    with _explained(prefix, "removed"):
        return _abort(target, prefix, _TAR_OF_A_RUN)


def _abort(target: Target, folder: Place, tar: re.Pattern[str]) -> list[str]:
    """Abort unfinished uploads of tars in a folder; return their descriptions."""
    client, aborted = target.client("s3"), []
    for upload in _pages(target, folder, "list_multipart_uploads", "Uploads"):
        key = upload["Key"]
        if not tar.fullmatch(_below(folder, key)):
            continue
        with unless_done(_NO_UPLOAD):  # finished or aborted meanwhile
            client.abort_multipart_upload(
                Bucket=folder.bucket, Key=key, UploadId=upload["UploadId"]
            )
            aborted.append(f"upload of {folder._replace(key=key)}")
    return aborted


def _tars(target: Target, folder: Place) -> Shards:
    """Return the shards that have tars in a run's folder."""
    found = _pages(target, folder, "list_objects_v2", "Contents")
    keys = (_below(folder, one["Key"]) for one in found)
    names = filter(None, map(_TAR.fullmatch, keys))
    return {(int(name[1]), int(name[2])) for name in names}


def _below(folder: Place, key: str) -> str:
    return key.removeprefix(f"{folder.key}/") if folder.key else key


def _empty(target: Target, tar: Place) -> None:
    client = target.client("s3")
    client.put_object(Bucket=tar.bucket, Key=tar.key, Body=END)
    client.delete_object(Bucket=tar.bucket, Key=index_of(tar).key)


def _pages(
    target: Target, prefix: Place, operation: str, field: str
) -> Iterator[dict[str, str]]:
    pages = target.client("s3").get_paginator(operation)
    below = f"{prefix.key}/" if prefix.key else ""
    with unless_done(_NO_BUCKET):
        for page in pages.paginate(Bucket=prefix.bucket, Prefix=below):
            found: Iterable[dict[str, str]] = page.get(field, ())
            yield from found


@contextmanager
def _explained(prefix: Place, verb: str) -> Iterator[None]:
    try:
        yield
    except (ClientError, BotoCoreError) as error:
        msg = (
            f"Leftovers of executions at {prefix} cannot be {verb}. Allow "
            "the statements Read and Write of deploy/"
            f"permissions.json. AWS says: {error}"
        )
        raise DeployError(msg) from error
