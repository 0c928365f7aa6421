"""What the account allows, and what one may ask it."""

from dataclasses import replace

import pytest
from tests.support.demands import demand

from aws_facts.limits import line_bytes_per_s
from rollout.deploy.deployment import FunctionSpec, deploy
from rollout.deploy.vpc_efs_config import Vpc
from rollout.errors import PreflightError
from rollout.preflight.checks import check

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


@pytest.mark.parametrize(
    "action",
    [
        *("lambda:GetAccountSettings", "lambda:GetFunctionConcurrency"),
        *("iam:GetRole", "logs:DescribeLogGroups"),
    ],
)
def test_a_permission_that_is_missing_is_named(gated, gate, action):
    gate.policy = gate.without(action)

    sentence = f"{action} .* The policy deploy/permissions.json allows it"
    with pytest.raises(PreflightError, match=sentence):
        check(gated[1], demand(name="million-downloads"))
