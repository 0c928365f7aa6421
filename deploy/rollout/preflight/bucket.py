"""Buckets: whether they exist, in the function's region."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from aws_facts.prices import mark, price

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fetcher.s3.urls import Place
    from rollout.target.connection import Target

_REGION = "x-amz-bucket-region"  # sent even with a refusal
_NOT_FOUND = "404"


def problems(target: Target, place: Place) -> Iterator[str]:
    """Yield reasons why executions cannot use a bucket, as far as they can be seen."""
    try:
        response = target.client("s3").head_bucket(Bucket=place.bucket)
    except ClientError as error:
        response = error.response
        if response["Error"]["Code"] == _NOT_FOUND:
            at = f" --endpoint-url {target.endpoint_url}" if target.endpoint_url else ""
            yield (
                f"There is no bucket {place.bucket}. Make one in {target.region}: aws "
                f"s3 mb s3://{place.bucket} --region {target.region}{at}"
            )
            return
    except BotoCoreError as error:
        yield f"The bucket {place.bucket} cannot be looked at. {error}"
        return
    region = region_of(response)
    if region and region != target.region:
        between = price("between_regions_gb", region)
        yield (
            f"The bucket {place.bucket} is in {region}, the function in "
            f"{target.region}: executions sign for their own region, and every GB in "
            f"between would cost ${between.dollars:g}{mark(assumed=between.assumed)}. "
            f"Use a bucket in {target.region}, or deploy in {region}."
        )


def region_of(response: Any) -> str:  # noqa: ANN401 - botocore's dict
    """Return the region that a response of S3 names; empty: none."""
    headers: dict[str, str] = response["ResponseMetadata"].get("HTTPHeaders", {})
    return headers.get(_REGION, "")
