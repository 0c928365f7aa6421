"""What ``s3-tar`` has left in S3: tars without a report, uploads without an end."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from fetcher.sinks.s3_tar import tar_of
from fetcher.sinks.s3_tar_index import index_of
from fetcher.sinks.s3_tar_member import END
from rollout.errors import DeployError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from fetcher.s3.urls import Place
    from rollout.target.target import Target

_AT_ONCE = 16
_TAR = re.compile(r"(\d{2,})-(\d{5,})\.tar")  # as `tar_of` calls them
_NO_BUCKET = "NoSuchBucket"
_NO_UPLOAD = "NoSuchUpload"

Shards = set[tuple[int, int]]  # wave and index


def check_prefix_unused(target: Target, prefix: Place, run: str) -> None:
    """
    Make sure that no other run of this name has kept anything there.

    Executions would take its tars for theirs.

    Raises:
        DeployError: If one has, or S3 refuses.
    """
    with _explained(prefix):
        is_used = bool(_tars(target, prefix.below(run)))
        # Whether that is allowed shows before anything is paid for.
        next(_pages(target, prefix, "list_multipart_uploads", "Uploads"), None)
    if is_used:
        msg = (
            f"There are tars at {prefix.below(run)} already, of another run called "
            f"{run}. Choose another run_folder, or another sink_path."
        )
        raise DeployError(msg)


def seal_unreported(
    target: Target, prefix: Place, run: str, asked: Shards, reported: Shards
) -> Shards:
    """
    See that shards whose reports did not come keep nothing: their URLs go elsewhere.

    What such a shard has kept is replaced by an empty tar. If it is at work still, it
    will find that, and keep nothing. So no file will be in two tars.

    Args:
        target: Where S3 is.

        prefix: The sink's path.

        run: The run's name.

        asked: All shards known to have been asked for; what has kept something, is.

        reported: Those that reported.

    Returns:
        The shards whose tars were replaced.

    Raises:
        DeployError: If S3 refuses.
    """
    with _explained(prefix):
        abort_uploads(target, prefix.below(run))
        there = _tars(target, prefix.below(run))
        lost = (asked | there) - reported
        tars = [tar_of(prefix, run, *one) for one in sorted(lost)]
        with ThreadPoolExecutor(_AT_ONCE) as senders:
            for _ in senders.map(lambda tar: _empty(target, tar), tars):
                pass  # what was refused is raised
    return lost


def abort_uploads(target: Target, prefix: Place) -> list[str]:
    """
    Abort the uploads of tars that were begun and not finished, for these are paid for.

    No execution may be at work that is to succeed: it would find its upload gone.

    Args:
        target: Where S3 is.

        prefix: Below which keys they are; those of other programs are left alone.

    Returns:
        Which there were; none if there is no such bucket any more.

    Raises:
        DeployError: If S3 refuses.
    """
    client, aborted = target.client("s3"), []
    with _explained(prefix):
        for upload in _pages(target, prefix, "list_multipart_uploads", "Uploads"):
            key = upload["Key"]
            if not _TAR.fullmatch(key.rpartition("/")[2]):
                continue
            with _unless(_NO_UPLOAD):  # it was finished or aborted meanwhile
                client.abort_multipart_upload(
                    Bucket=prefix.bucket, Key=key, UploadId=upload["UploadId"]
                )
                aborted.append(f"upload of {prefix._replace(key=key)}")
    return aborted


def _tars(target: Target, folder: Place) -> Shards:
    """Return of which shards there are tars in a run's folder."""
    found = _pages(target, folder, "list_objects_v2", "Contents")
    keys = (one["Key"].removeprefix(f"{folder.key}/") for one in found)
    names = filter(None, map(_TAR.fullmatch, keys))
    return {(int(name[1]), int(name[2])) for name in names}


def _empty(target: Target, tar: Place) -> None:
    client = target.client("s3")
    client.put_object(Bucket=tar.bucket, Key=tar.key, Body=END)
    client.delete_object(Bucket=tar.bucket, Key=index_of(tar).key)


def _pages(
    target: Target, prefix: Place, operation: str, of: str
) -> Iterator[dict[str, str]]:
    pages = target.client("s3").get_paginator(operation)
    below = f"{prefix.key}/" if prefix.key else ""
    with _unless(_NO_BUCKET):
        for page in pages.paginate(Bucket=prefix.bucket, Prefix=below):
            found: Iterable[dict[str, str]] = page.get(of, ())
            yield from found


@contextmanager
def _unless(code: str) -> Iterator[None]:
    """Let what AWS refuses with this code be."""
    try:
        yield
    except ClientError as error:
        if error.response["Error"]["Code"] != code:
            raise


@contextmanager
def _explained(prefix: Place) -> Iterator[None]:
    try:
        yield
    except (ClientError, BotoCoreError) as error:
        msg = (
            f"What executions left at {prefix} cannot be seen to, which "
            "takes FindWhatExecutionsLeft and TidyUpAfterExecutions in deploy/"
            f"permissions.json. AWS says: {error}"
        )
        raise DeployError(msg) from error
