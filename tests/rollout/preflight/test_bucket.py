"""Buckets: where they are, and how many requests S3 takes."""

import re

import pytest
from tests.support.demands import demand

from rollout.errors import PreflightError
from rollout.preflight.bucket import region_of
from rollout.preflight.checks import check
from rollout.preflight.demand import S3Load


@pytest.fixture
def bucket(target):
    s3 = target.client("s3")
    s3.create_bucket(Bucket="preflight-near")
    s3.create_bucket(
        Bucket="preflight-far",
        CreateBucketConfiguration={"LocationConstraint": "eu-west-1"},
    )
    yield lambda name, **more: demand(bucket=f"{name}/prefix", **more)
    s3.delete_bucket(Bucket="preflight-near")
    s3.delete_bucket(Bucket="preflight-far")


def test_the_bucket_is_there_and_in_the_functions_region(target, bucket):
    assert check(target, bucket("preflight-near")) == []
    with pytest.raises(PreflightError, match="There is no bucket preflight-none"):
        check(target, bucket("preflight-none"))
    with pytest.raises(PreflightError, match=r"is in eu-west-1, .* \$0.02 \(assumed"):
        check(target, bucket("preflight-far"))


def test_buckets_that_files_come_from_are_looked_at_too_and_each_once(target, bucket):
    near = ("preflight-near/a", "preflight-near/b")
    assert check(target, demand(sources=near)) == []
    with pytest.raises(PreflightError) as caught:
        check(target, bucket("preflight-none", sources=(*near, "preflight-none")))

    (problem,) = caught.value.problems
    assert problem.startswith("There is no bucket preflight-none.")


def test_a_bucket_one_may_not_look_at_still_tells_its_region():
    """S3 answers 403 with the region, and the executions may have other permissions."""
    headers = {"HTTPHeaders": {"x-amz-bucket-region": "eu-west-1"}}

    assert region_of({"ResponseMetadata": headers}) == "eu-west-1"
    assert region_of({"ResponseMetadata": {}}) == ""


@pytest.mark.parametrize(
    ("kind", "per_s", "prefixes", "warning"),
    [
        ("reads", 5_500.0, 1, ""),
        ("reads", 5_501.0, 1, "serves 5,500 a prefix, and these keys have 1"),
        ("reads", 44_000.0, 8, "5,500 a bucket until it .* to tell the 8 prefixes"),
        ("reads", 44_001.0, 8, "44,001 .* have 8. .* or buckets: {number%16} in a t"),
        ("writes", 3_500.0, 1, ""),
        ("writes", 3_501.0, 1, "takes 3,500 a prefix, and these keys have 1"),
        ("writes", 78_000.0, 256, "takes 3,500 until it .* tell the 256 prefixes"),
    ],
)
def test_requests_that_s3_slows_down_are_remarked_upon(
    target, kind, per_s, prefixes, warning
):
    load = S3Load(per_s=per_s, prefixes=prefixes)
    found = check(target, demand(**{kind: load}))

    assert len(found) == bool(warning)
    assert re.search(warning, "".join(found))


@pytest.mark.usefixtures("bucket")
def test_buckets_are_told_apart_from_the_first_moment(target):
    target.client("s3").create_bucket(Bucket="preflight-next")
    both = ("preflight-near", "preflight-next")
    try:
        for per_s, warnings in ((11_000.0, 0), (11_001.0, 1)):
            load = S3Load(per_s=per_s, prefixes=8)
            assert len(check(target, demand(sources=both, reads=load))) == warnings
    finally:
        target.client("s3").delete_bucket(Bucket="preflight-next")
