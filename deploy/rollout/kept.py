"""What ``s3-tar`` has left in S3: tars without a report, uploads without an end."""

from __future__ import annotations

from contextlib import closing
from time import monotonic
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from fetcher.s3.account import Account
from fetcher.s3.connection import Connection
from fetcher.s3.errors import S3Error
from fetcher.s3.urls import prefix_of
from fetcher.sinks.s3_tar import tar_of
from fetcher.sinks.s3_tar_index import number_of, rows_in
from fetcher.sinks.s3_tar_member import END
from rollout.errors import DeployError

if TYPE_CHECKING:
    from rollout.target import Target

_PATIENCE_S = 60.0
_TAKEN = 412


def kept_by(
    target: Target, prefix: str, run: str, wave: int, shard: int
) -> dict[int, int]:
    """
    Return what a shard has kept of which no report came, and see that it stays so.

    Its execution may have finished before the report was lost; then its tar is there.
    If not, an empty tar takes the place: should the execution be at work still, it
    will find it, and keep nothing. So its URLs can be dealt again, and none of them
    will be in two tars.

    Args:
        target: Where S3 is.

        prefix: The sink's path, ``s3://bucket/prefix``.

        run: The shard's run,

        wave: its wave,

        shard: and its index there.

    Returns:
        Sizes by the URLs' numbers.

    Raises:
        DeployError: If S3 refuses.
    """
    tar, until = tar_of(prefix_of(prefix), run, wave, shard), monotonic() + _PATIENCE_S
    with closing(Connection(_account(target))) as connection:
        try:
            first = {"if-none-match": "*"}
            connection.request("PUT", tar, headers=first, body=END, until=until)
            return {}
        except S3Error as error:
            if error.status != _TAKEN:
                raise _explained(prefix, error) from error
        try:
            return {
                number_of(row): row["size"] for row in rows_in(connection, tar, until)
            }
        except S3Error as error:
            raise _explained(prefix, error) from error


def abort_uploads(target: Target, prefix: str) -> list[str]:
    """
    Abort the uploads that executions began and did not finish, for these are paid for.

    No execution may be at work: it would find its upload gone.

    Args:
        target: Where S3 is.

        prefix: The sink's path, or a run's: ``s3://bucket/prefix``.

    Returns:
        Which there were.

    Raises:
        DeployError: If S3 refuses.
    """
    place, client = prefix_of(prefix), target.client("s3")
    aborted = []
    try:
        pages = client.get_paginator("list_multipart_uploads").paginate(
            Bucket=place.bucket, Prefix=f"{place.key}/" if place.key else ""
        )
        for page in pages:
            for found in page.get("Uploads", ()):
                client.abort_multipart_upload(
                    Bucket=place.bucket, Key=found["Key"], UploadId=found["UploadId"]
                )
                aborted.append(f"upload of s3://{place.bucket}/{found['Key']}")
    except (ClientError, BotoCoreError) as error:
        raise _explained(prefix, error) from error
    return aborted


def _account(target: Target) -> Account:
    """Return who we are in S3, for requests made as an execution makes them."""
    found = target.credentials()
    return Account(
        access_key=found.access_key,
        secret=found.secret_key,
        token=found.token or "",
        region=target.region,
        endpoint_url=target.endpoint_url,
    )


def _explained(prefix: str, error: Exception) -> DeployError:
    return DeployError(f"What is kept at {prefix} cannot be seen to: {error}")
