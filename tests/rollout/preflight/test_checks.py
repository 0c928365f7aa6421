import re
import subprocess
import sys
from dataclasses import replace

import pytest

from aws_facts.limits import limit, line_bytes_per_s
from fetcher.contract.options import DESCRIPTORS, MAX_CONNECTIONS
from fetcher.s3.urls import Place
from rollout.deploy.deploy import FunctionSpec, deploy
from rollout.errors import PreflightError
from rollout.invoke import logs
from rollout.preflight.bucket import region_of
from rollout.preflight.checks import check, check_may_invoke
from rollout.preflight.demand import Demand

FINE = Demand(
    concurrency=100,
    connections=100,
    tmp_mb=2_000,
    scratch_bytes=1_700_000_000,
    request_bytes=1_000,
    report_bytes=100_000,
    timeout_s=300,
    deadline_s=290.0,
)


def test_what_works_passes(target):
    check(target, FINE)


def test_values_at_the_limits_pass(target):
    check(
        target,
        Demand(
            concurrency=1_000,
            connections=MAX_CONNECTIONS,
            tmp_mb=10_240,
            scratch_bytes=10_240_000_000,
            request_bytes=6_291_456,
            report_bytes=6_291_556,
            timeout_s=900,
            deadline_s=899.0,
        ),
    )


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"concurrency": 1_001}, "1,001 executions at once .* has 1,000 in us-east-1"),
        ({"concurrency": 0}, "there must be at least 1"),
        ({"connections": 481}, "481 connections .* Set `connections`"),
        ({"connections": 0}, "0 connections"),
        ({"tmp_mb": 511, "scratch_bytes": 0}, "`tmp_mb` is 511 MB"),
        ({"scratch_bytes": 2_000_000_001}, "Set `tmp_mb` to 2,001, or use a sink"),
        ({"scratch_bytes": 10**11}, "deal smaller shards, or use a sink"),
        ({"request_bytes": 6_291_457}, "largest event has 6,291,457 bytes"),
        ({"report_bytes": 6_291_557}, "largest report has 6,291,557 bytes"),
        ({"timeout_s": 901}, "`timeout_s` is 901 s"),
        ({"deadline_s": 300.0}, "Set `deadline_s` below `timeout_s`"),
        ({"deadline_s": 0.0}, "deadline is 0 s"),
    ],
)
def test_what_cannot_work_is_one_sentence(target, change, sentence):
    with pytest.raises(PreflightError, match=sentence) as caught:
        check(target, replace(FINE, **change))

    assert len(caught.value.problems) == 1


def test_all_problems_are_found_at_once(target):
    """
    Nobody mends one number after the other, with a deployment in between.
    """
    with pytest.raises(PreflightError) as caught:
        check(target, replace(FINE, concurrency=2_000, tmp_mb=100, timeout_s=1_000))

    assert len(caught.value.problems) == 4  # /tmp is too small for the files, too


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"memory_mb": 64}, "`memory_mb` is 64 MB"),
        (
            {"memory_mb": 128, "connections": 480, "engine": "curl"},
            "take some 156 MB .* Set `memory_mb` to 192, or `connections` to 340",
        ),
        (
            {"memory_mb": 256, "connections": 400, "engine": "aiohttp"},
            "400 connections with aiohttp take some 340 MB",
        ),
        (
            {"memory_mb": 128, "connections": 400, "sink_mb": 100.0},
            r"Set `memory_mb` to 256\.",
        ),
        (
            {"shard_bytes": 10**12, "waves": 2},
            "takes 12,800 s at the 625 Mbit/s .* 2 waves of 290 s end before",
        ),
    ],
)
def test_what_an_execution_cannot_do_is_refused(target, change, sentence):
    with pytest.raises(PreflightError, match=sentence):
        check(target, replace(FINE, **change))


def test_more_memory_comes_with_a_faster_line(target):
    """
    https://aws.amazon.com/blogs/compute/improving-lambda-function-latency-with-scalable-network-bandwidth/
    """
    slow = replace(FINE, shard_bytes=50 * 10**9, waves=2)
    with pytest.raises(PreflightError, match="640 s at the 625 Mbit/s"):
        check(target, slow)

    check(target, replace(slow, memory_mb=10_240))
    assert line_bytes_per_s(2_048) * 8 == 625e6
    assert line_bytes_per_s(6_144) * 8 == 1_812.5e6


def test_what_is_reserved_for_the_function_binds(target, function_name, code):
    deploy(target, FunctionSpec(name=function_name, handler="main.handler"), code=code)
    client = target.client("lambda")
    client.put_function_concurrency(
        FunctionName=function_name, ReservedConcurrentExecutions=10
    )
    need = replace(FINE, function=function_name)

    with pytest.raises(PreflightError, match="10 are reserved for t-"):
        check(target, replace(need, concurrency=11))
    check(target, replace(need, concurrency=10))


def test_a_function_that_is_not_there_yet_has_nothing_reserved(target):
    check(target, replace(FINE, function="t-not-there"))


def test_calling_is_tried_without_calling(target, function_name, zip_of):
    with pytest.raises(PreflightError, match=r"cannot be called\. .* not found"):
        check_may_invoke(target, function_name)

    code = zip_of("def handler(event, context):\n    print('called')\n")
    deploy(target, FunctionSpec(name=function_name, handler="main.handler"), code=code)
    check_may_invoke(target, function_name)

    assert list(logs.read(target, function_name)) == []


@pytest.mark.parametrize(
    ("action", "sentence"),
    [
        ("lambda:GetAccountSettings", "Allow lambda:GetAccountSettings"),
        ("lambda:GetFunctionConcurrency", "and lambda:GetFunctionConcurrency"),
        ("iam:GetRole", "iam:GetRole .* deploy/permissions.json is a policy"),
        ("logs:DescribeLogGroups", "logs:DescribeLogGroups"),
    ],
)
def test_a_permission_that_is_missing_is_named(gated, gate, action, sentence):
    _, aws = gated
    gate.policy = gate.without(action)

    with pytest.raises(PreflightError, match=sentence):
        check(aws, replace(FINE, function="million-downloads"))


@pytest.fixture
def bucket(target):
    s3 = target.client("s3")
    s3.create_bucket(Bucket="preflight-near")
    s3.create_bucket(
        Bucket="preflight-far",
        CreateBucketConfiguration={"LocationConstraint": "eu-west-1"},
    )
    yield lambda name: replace(FINE, bucket=Place(name, "prefix"))
    s3.delete_bucket(Bucket="preflight-near")
    s3.delete_bucket(Bucket="preflight-far")


def test_the_bucket_is_there_and_in_the_functions_region(target, bucket):
    assert check(target, bucket("preflight-near")) == []
    with pytest.raises(PreflightError, match="There is no bucket preflight-none"):
        check(target, bucket("preflight-none"))
    with pytest.raises(PreflightError, match=r"is in eu-west-1, .* would cost \$0.02"):
        check(target, bucket("preflight-far"))


def test_buckets_that_files_come_from_are_looked_at_too_and_each_once(target, bucket):
    near, none = Place("preflight-near", "a"), Place("preflight-none", "")
    assert check(target, replace(FINE, sources=(near, near))) == []
    with pytest.raises(PreflightError) as caught:
        check(target, replace(bucket("preflight-none"), sources=(near, none)))

    (said,) = caught.value.problems
    assert said.startswith("There is no bucket preflight-none.")


def test_a_bucket_one_may_not_look_at_still_tells_its_region():
    """
    S3 answers 403 with the region, and the executions may have other permissions.
    """
    headers = {"HTTPHeaders": {"x-amz-bucket-region": "eu-west-1"}}

    assert region_of({"ResponseMetadata": headers}) == "eu-west-1"
    assert region_of({"ResponseMetadata": {}}) == ""


@pytest.mark.parametrize(
    ("change", "remarks"),
    [
        ({}, []),
        ({"writes_per_s": 3_500.0, "reads_per_s": 5_500.0}, []),
        ({"reads_per_s": 5_501.0}, ["gives 5,500 a prefix, and these begin in 1 ways"]),
        (
            {"reads_per_s": 44_001.0, "read_prefixes": 8},
            ["44,001 .* these begin in 8 ways. .* or buckets: {number%16} in a temp"],
        ),
        (
            {"reads_per_s": 44_000.0, "read_prefixes": 8},
            ["gives 5,500 a bucket until it has learned to tell the 8 beginnings"],
        ),
        ({"writes_per_s": 3_501.0}, ["takes 3,500 a prefix, and keys begin in 1 ways"]),
        (
            {"writes_per_s": 78_000.0, "prefixes": 256},
            ["takes 3,500 until it has learned to tell the 256 beginnings"],
        ),
    ],
)
def test_requests_that_s3_slows_down_are_remarked_upon(target, change, remarks):
    found = check(target, replace(FINE, **change))

    assert len(found) == len(remarks)
    assert all(re.search(text, said) for text, said in zip(remarks, found, strict=True))


def test_buckets_are_told_apart_from_the_first_moment(target, bucket):
    near = bucket("preflight-near").bucket
    target.client("s3").create_bucket(Bucket="preflight-next")
    both = replace(FINE, sources=(near, Place("preflight-next", "")), read_prefixes=8)
    try:
        assert check(target, replace(both, reads_per_s=11_000.0)) == []
        assert len(check(target, replace(both, reads_per_s=11_001.0))) == 1
    finally:
        target.client("s3").delete_bucket(Bucket="preflight-next")


def test_both_sides_count_the_same_descriptors():
    assert limit("descriptors").most == DESCRIPTORS


FEW = """
import resource, sys
from dataclasses import replace
from rollout.errors import PreflightError
from rollout.preflight.checks import check
from rollout.target.target import connect
from tests.rollout.preflight.test_checks import FINE

resource.setrlimit(resource.RLIMIT_NOFILE, (100, int(sys.argv[2])))
need = replace(FINE, concurrency=int(sys.argv[3]), connections=int(sys.argv[4]))
try:
    check(connect("local", sys.argv[1]), need)
except PreflightError as error:
    print(*error.problems, sep="\\n")
print(resource.getrlimit(resource.RLIMIT_NOFILE)[0])
"""


def with_descriptors(endpoint, hard, concurrency, connections):
    """Return what preflight says in a process that may have so many, and then has."""
    words = (endpoint.endpoint_url, hard, concurrency, connections)
    done = subprocess.run(
        [sys.executable, "-c", FEW, *map(str, words)],
        capture_output=True,
        text=True,
        check=True,
    )
    *problems, has = done.stdout.splitlines()
    return problems, int(has)


def test_too_few_descriptors_are_known_before_anything_is_deployed(endpoint):
    """
    It failed when the function was there, and only then.
    """
    said, _ = with_descriptors(endpoint, 256, concurrency=2, connections=20)

    (problem,) = said
    assert problem == (
        "2 calls at once need 258 open files and sockets; this machine allows a "
        "process 256. Raise its limit (`ulimit -Hn`)."
    )


def test_each_process_that_has_too_few_descriptors_is_named(endpoint):
    said, _ = with_descriptors(endpoint, 400, concurrency=200, connections=180)

    assert [one.partition(" need ")[0] for one in said] == [
        "200 calls at once",
        "200 executions of a local endpoint",
        "180 connections of an execution",
    ]
    assert "or set `concurrency` to 144 or less" in said[0]
    assert "or set `concurrency` to 168 or less" in said[1]
    assert "or set `connections` to 168 or less" in said[2]


def test_descriptors_that_the_system_gives_are_asked_for(endpoint):
    assert with_descriptors(endpoint, 1_000, concurrency=300, connections=100) == (
        [],
        664,
    )
