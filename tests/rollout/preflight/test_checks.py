import re
import resource
from dataclasses import fields, replace
from types import SimpleNamespace

import pytest

from aws_facts.limits import limit, line_bytes_per_s
from fetcher.contract.options import DESCRIPTORS, MAX_CONNECTIONS
from rollout.deploy.deploy import FunctionSpec, deploy
from rollout.deploy.network_settings import Vpc
from rollout.errors import PreflightError
from rollout.invoke import descriptors, logs
from rollout.preflight.bucket import region_of
from rollout.preflight.checks import check, check_may_invoke
from rollout.preflight.demand import Demand, Execution, Invocation, S3Load

SMALL = FunctionSpec(name="t-not-there", tmp_mb=2_000)
FINE = Demand(
    function=SMALL,
    concurrency=100,
    execution=Execution(connections=100, scratch_bytes=1_700_000_000),
    invocation=Invocation(request_bytes=1_000, report_bytes=100_000, deadline_s=290.0),
)


def demand(**changes):
    """Return a demand that can be met, but for these changes of any of its parts."""
    for part in ("function", "execution", "invocation"):
        given = getattr(FINE, part)
        names = {field.name for field in fields(given)} & changes.keys()
        changes[part] = replace(given, **{name: changes.pop(name) for name in names})
    return replace(FINE, **changes)


@pytest.mark.parametrize(
    "met",
    [
        FINE,
        Demand(  # at the limits
            function=replace(SMALL, tmp_mb=10_240, timeout_s=900),
            concurrency=1_000,
            execution=Execution(
                connections=MAX_CONNECTIONS, scratch_bytes=10_240_000_000
            ),
            invocation=Invocation(
                request_bytes=6_291_456, report_bytes=6_291_556, deadline_s=899.0
            ),
        ),
    ],
    ids=["usual", "at the limits"],
)
def test_a_demand_that_can_be_met_passes(target, met):
    assert check(target, met) == []


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"concurrency": 1_001}, "`concurrency` is 1,001; .* has 1,000 .* us-east-1"),
        ({"concurrency": 0}, "it must be at least 1"),
        ({"connections": 481}, "`connections` is 481; .* 1 to 480"),
        ({"connections": -1}, "`connections` is -1"),
        ({"scratch_bytes": 2_000_000_001}, "Set `tmp_mb` to 2,001, or use a sink"),
        ({"scratch_bytes": 10**11}, "deal smaller shards, or use"),
        ({"request_bytes": 6_291_457}, "largest event has 6,291,457 bytes"),
        ({"report_bytes": 6_291_557}, "largest report has 6,291,557 bytes"),
        ({"deadline_s": 300.0}, "Set `deadline_s` below `timeout_s`"),
        ({"deadline_s": 0.0}, "deadline is 0 s"),
        (
            {"memory_mb": 128, "connections": 480},
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
            {"download_bytes": 10**12, "waves": 2},
            "takes 12,796 s at the 625 Mbit/s .* 2 waves of 290 s end before",
        ),
    ],
)
def test_what_cannot_work_is_one_sentence(target, changes, sentence):
    with pytest.raises(PreflightError, match=sentence) as caught:
        check(target, demand(**changes))

    assert len(caught.value.problems) == 1


def test_all_problems_are_found_at_once(target):
    """Nobody mends one number after the other, with a deployment in between."""
    with pytest.raises(PreflightError) as caught:
        check(target, demand(concurrency=2_000, deadline_s=0.0, tmp_mb=512))

    assert len(caught.value.problems) == 3


BANDWIDTH = "Network bandwidth per execution environment"
VPC = Vpc(subnets=("subnet-1",), security_groups=("sg-1",))


@pytest.mark.parametrize(
    ("mbit_s", "vpc", "sentence"),
    [
        (625, None, "636 s at the 625 Mbit/s"),
        (3_000, None, ""),
        (3_000, VPC, "636 s at the 625 Mbit/s"),
    ],
    ids=["as at first", "raised", "raised, but in a VPC"],
)
def test_more_memory_brings_a_faster_line_only_once_the_quota_is_raised(
    gated, gate, mbit_s, vpc, sentence
):
    """
    https://aws.amazon.com/blogs/compute/improving-lambda-function-latency-with-scalable-network-bandwidth/
    """
    quota = {"QuotaName": BANDWIDTH, "Value": mbit_s}
    gate.answers["ListServiceQuotas"] = (200, {"Quotas": [quota]})
    wanted = demand(
        name="million-downloads", memory_mb=10_240, download_bytes=50 * 10**9, waves=2
    )
    wanted = replace(wanted, function=replace(wanted.function, vpc=vpc))

    if sentence:
        with pytest.raises(PreflightError, match=sentence):
            check(gated[1], wanted)
    else:
        assert check(gated[1], wanted) == []
    assert line_bytes_per_s(6_144) * 8 == 1_812.5e6


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (None, "permissions.json allows it."),
        ((500, {"message": "down"}), "down. Try again in a minute."),
        ((200, {"Quotas": []}), "Service Quotas lists none of that name."),
    ],
    ids=["denied", "down", "not listed"],
)
def test_a_quota_that_cannot_be_read_is_a_warning(gated, gate, answer, sentence):
    if answer:
        gate.answers["ListServiceQuotas"] = answer
    else:
        gate.policy = gate.without("servicequotas:ListServiceQuotas")
    slow = {"download_bytes": 50 * 10**9, "waves": 2, "memory_mb": 10_240}

    (warning,) = check(gated[1], demand(name="million-downloads", **slow))
    assert "at 3,000 Mbit/s, but not at the 625" in warning
    assert warning.endswith(sentence)
    assert check(gated[1], demand(name="million-downloads", memory_mb=10_240)) == []


def test_a_new_account_is_told_what_it_has_before_anything_is_made(gated, gate):
    """10 executions, and 3,008 MB, which no API tells."""
    limits = {"ConcurrentExecutions": 10, "UnreservedConcurrentExecutions": 10}
    gate.answers["GetAccountSettings"] = (200, {"AccountLimit": limits})
    name = "million-downloads"
    with pytest.raises(PreflightError) as caught:
        check(gated[1], demand(name=name, concurrency=100))
    assert "has 10 executions in us-east-1. New accounts have 10" in str(caught.value)
    assert "--quota-code L-B99A9384 --desired-value 100" in str(caught.value)

    (warning,) = check(gated[1], demand(name=name, concurrency=10, memory_mb=4_096))
    assert "AWS gives most new accounts 3,008 MB" in warning


@pytest.mark.parametrize("operation", ["GetAccountSettings", "GetRole"])
def test_trouble_at_aws_is_not_taken_for_a_missing_permission(gated, gate, operation):
    body = "<Error/>" if operation == "GetRole" else {"message": "Service error"}
    gate.answers[operation] = (500, body)

    with pytest.raises(PreflightError, match="Try again in a minute") as caught:
        check(gated[1], demand(name="million-downloads"))
    assert "permissions.json" not in str(caught.value)


def test_what_is_reserved_for_the_function_binds(target, function_name, code):
    deploy(target, FunctionSpec(name=function_name, handler="main.handler"), code=code)
    client = target.client("lambda")
    client.put_function_concurrency(
        FunctionName=function_name, ReservedConcurrentExecutions=10
    )

    with pytest.raises(PreflightError, match="10 executions are reserved for t-"):
        check(target, demand(name=function_name, concurrency=11))
    check(target, demand(name=function_name, concurrency=10))


def test_calling_is_tried_without_calling(target, function_name, zip_of):
    with pytest.raises(PreflightError, match=r"cannot be invoked\. .* not found"):
        check_may_invoke(target, function_name)

    code = zip_of("def handler(event, context):\n    print('called')\n")
    deploy(target, FunctionSpec(name=function_name, handler="main.handler"), code=code)
    check_may_invoke(target, function_name)

    assert list(logs.read(target, function_name)) == []


@pytest.mark.parametrize(
    ("action", "sentence"),
    [
        (
            "lambda:GetAccountSettings",
            "lambda:GetAccountSettings .* The policy deploy/",
        ),
        (
            "lambda:GetFunctionConcurrency",
            "lambda:GetFunctionConcurrency .* The policy",
        ),
        ("iam:GetRole", "iam:GetRole .* The policy deploy/permissions.json"),
        ("logs:DescribeLogGroups", "logs:DescribeLogGroups"),
    ],
)
def test_a_permission_that_is_missing_is_named(gated, gate, action, sentence):
    _, aws = gated
    gate.policy = gate.without(action)

    with pytest.raises(PreflightError, match=sentence):
        check(aws, demand(name="million-downloads"))


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
    ("reads", "writes", "warning"),
    [
        ((0.0, 1), (0.0, 1), ""),
        ((5_500.0, 1), (3_500.0, 1), ""),
        ((5_501.0, 1), (0.0, 1), "serves 5,500 a prefix, and these keys have 1"),
        (
            (44_001.0, 8),
            (0.0, 1),
            "44,001 .* these keys have 8. .* or buckets: {number%16} in a temp",
        ),
        (
            (44_000.0, 8),
            (0.0, 1),
            "serves 5,500 a bucket until it has learned to tell the 8 prefixes",
        ),
        ((0.0, 1), (3_501.0, 1), "takes 3,500 a prefix, and these keys have 1"),
        (
            (0.0, 1),
            (78_000.0, 256),
            "takes 3,500 until it has learned to tell the 256 prefixes",
        ),
    ],
)
def test_requests_that_s3_slows_down_are_remarked_upon(target, reads, writes, warning):
    loads = [S3Load(per_s=per_s, prefixes=n) for per_s, n in (reads, writes)]
    found = check(target, demand(reads=loads[0], writes=loads[1]))

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


def test_both_sides_count_the_same_descriptors():
    assert limit("descriptors").most == DESCRIPTORS


SHORT_OF_SOCKETS = (
    "2 calls at once need 258 open files and sockets; this machine allows a process "
    "256. Raise its limit (`ulimit -Hn`)."
)


@pytest.fixture
def limits(monkeypatch):
    """A process's soft and hard limit of descriptors, without one."""
    limits = [100, 0]

    def set_limits(_, wanted):
        assert wanted[0] <= wanted[1] == limits[1]
        limits[:] = wanted

    system = {"getrlimit": lambda _: tuple(limits), "setrlimit": set_limits}
    stand_in = SimpleNamespace(**vars(resource) | system)
    monkeypatch.setattr(descriptors, "resource", stand_in)
    return limits


@pytest.mark.parametrize(
    ("hard", "concurrency", "connections", "sentences", "allowed"),
    [
        (*(256, 2, 20), [SHORT_OF_SOCKETS], 256),
        (
            *(400, 200, 180),
            [
                "200 calls at once need .* or set `concurrency` to 144 or less",
                "200 executions of a local endpoint .* `concurrency` to 168 or less",
                "180 connections of an execution .* `connections` to 168 or less",
            ],
            400,
        ),
        (1_000, 300, 100, [], 664),
        (1_000, 300, 0, [], 664),
    ],
    ids=["calls", "each process", "the system gives more", "connections of its own"],
)
def test_too_few_descriptors_are_known_before_anything_is_deployed(
    target, limits, hard, concurrency, connections, sentences, allowed
):
    """What the system gives beyond the soft limit is asked for."""
    limits[1] = hard
    wanted = demand(connections=connections, concurrency=concurrency)
    problems = []
    try:
        check(target, wanted)
    except PreflightError as error:
        problems = error.problems

    assert len(problems) == len(sentences)
    for problem, sentence in zip(problems, sentences, strict=True):
        assert problem == sentence or re.match(sentence, problem)
    assert limits == [allowed, hard]
