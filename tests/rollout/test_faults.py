"""
One call of many meets a fault: of deploying, running and destroying, wherever it is.

Each ends done, or undone with clear words. The first tests take the calls that matter
most; the soak trials take every one, and print how they ended.
"""

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace

import pytest
from botocore.retries import standard
from tests.support import wheelhouse
from tests.support.fault_proxy import (
    FAIL,
    FAULTS,
    LOSE,
    RESET,
    THROTTLE,
    Fault,
    FaultProxy,
)
from tests.support.notebook_cells import run_cells
from tests.support.waiting import WAIT_S

from rollout.deploy import log_group, role
from rollout.deploy.deployment import FunctionSpec, deploy, destroy, left, status
from rollout.errors import DeployError, RolloutError
from rollout.target.connection import connect
from rollout.target.runtime_platform import machine

NAME = "million-downloads-f"
SPEC = FunctionSpec(
    name=NAME,
    handler="main.handler",
    url="NONE",
    bucket="some-bucket",
    sources=("another",),
)
STALL_S = 10.0
FILES = 60
CREATES = {
    *("logs:CreateLogGroup", "iam:CreateRole"),
    *("lambda:CreateFunction", "lambda:CreateFunctionUrlConfig"),
}


@pytest.fixture(scope="module")
def proxy(endpoint):
    """A proxy that the target `aws` is behind."""
    with FaultProxy(endpoint.endpoint_url) as proxy, pytest.MonkeyPatch.context() as to:
        to.setenv("AWS_REGION", "us-east-1")
        to.setenv("AWS_ENDPOINT_URL", proxy.url)
        yield proxy


@pytest.fixture(scope="module")
def aws(proxy):
    assert proxy.url
    return connect("aws")


@pytest.fixture(autouse=True)
def _nothing_left(proxy, aws):
    yield
    proxy.start()
    destroy(aws, NAME)


@pytest.fixture
def hasty(monkeypatch):
    """No pause before a call is repeated."""
    monkeypatch.setattr(
        standard.ExponentialBackoff, "delay_amount", lambda *_: 0, raising=True
    )


def made(target):
    """Return all that a deployment made, but for what each makes anew."""
    group = log_group.find(target, NAME)
    arn = log_group.arn_of_streams(target, NAME).removesuffix(":*")
    logs = target.client("logs")
    return (
        replace(status(target, NAME), url=""),
        role.policies_of(target, NAME),
        group["retentionInDays"],
        logs.list_tags_for_resource(resourceArn=arn)["tags"],
        target.client("lambda").get_function(FunctionName=NAME)["Tags"],
        target.client("lambda").get_policy(FunctionName=NAME)["Policy"],
    )


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize(
    ("on_the_way_in", "on_the_way_out", "kind"),
    [
        ("lambda:CreateFunctionUrlConfig", "iam:DeleteRolePolicy", THROTTLE),
        ("lambda:AddPermission", "logs:DescribeLogGroups", FAIL),
        ("iam:PutRolePolicy", "iam:GetRole", RESET),
    ],
)
def test_a_fault_of_the_control_plane_is_outlived(
    proxy, aws, code, on_the_way_in, on_the_way_out, kind
):
    """
    Lambda alone answers 15 such calls a second, of all users of an account.

    Of answers that get lost, test_rollback.py loses each once.
    """
    proxy.start(fault := Fault(kind, on_the_way_in, stall_s=0.1))
    deployed = deploy(aws, SPEC, code=code)

    assert fault.met == on_the_way_in
    assert deployed.state == "Active"
    assert len(deployed.changes) == 4
    assert role.policies_of(aws, NAME) == SPEC.policies(aws)

    proxy.start(fault := Fault(kind, on_the_way_out, stall_s=0.1))
    assert len(destroy(aws, NAME)) == 3
    assert fault.met == on_the_way_out
    assert left(aws, NAME) == []


@pytest.mark.usefixtures("hasty")
def test_what_was_made_by_a_call_whose_answer_got_lost_is_removed_if_all_fails(
    proxy, aws
):
    proxy.start(Fault(LOSE, "iam:CreateRole"))

    with pytest.raises(DeployError, match="could not be deployed\\. AWS says: Create"):
        deploy(aws, SPEC, code=b"this is no zip")

    assert left(aws, NAME) == []


def test_two_first_deployments_at_once_both_succeed(proxy, aws, code, monkeypatch):
    """Each finds nothing, and goes to make what the other is about to make."""
    both = threading.Barrier(2)

    def meet(operation):
        if operation in CREATES:
            with suppress(threading.BrokenBarrierError):
                both.wait(WAIT_S)

    monkeypatch.setattr(proxy, "meeting", meet)
    with ThreadPoolExecutor(2) as threads:
        targets = [aws, connect("aws")]
        one, other = threads.map(lambda to: deploy(to, SPEC, code=code), targets)

    assert not both.broken
    assert replace(one, changes=()) == replace(other, changes=())
    assert one.state == "Active"
    changes = Counter(one.changes + other.changes)
    own_role = role.role_name(aws, NAME)
    assert changes[f"created log group /aws/lambda/{NAME}"] == 1
    assert changes[f"created role {own_role}"] == 1
    assert changes[f"created function {NAME}"] == 1
    assert role.policies_of(aws, NAME) == SPEC.policies(aws)


@pytest.mark.soak
@pytest.mark.parametrize("kind", FAULTS)
def test_a_deployment_ends_well_wherever_it_meets_a_fault(proxy, code, kind):
    proxy.start()
    deploy(connect("aws"), SPEC, code=code)
    calls = proxy.calls
    usual = made(connect("aws"))
    ended = Counter()
    for place in range(len(calls)):
        proxy.start()
        destroy(connect("aws"), NAME)
        proxy.start(fault := Fault(kind, place, STALL_S))
        try:
            deploy(connect("aws"), SPEC, code=code)
        except RolloutError as error:
            print(f"{fault.met}: {error}")
            is_told = "could not be deployed. AWS says: " in str(error)
            is_undone = left(connect("aws"), NAME) == []
            ended["undone" if is_told and is_undone else "badly"] += 1
        else:
            assert made(connect("aws")) == usual
            ended["done" if fault.met else "not met"] += 1
    print(f"deploy, {kind}: {len(calls)} calls, {dict(ended)}")
    assert ended.total() - ended["badly"] == len(calls)


@pytest.mark.soak
@pytest.mark.parametrize("kind", FAULTS)
def test_a_removal_ends_well_wherever_it_meets_a_fault(proxy, code, kind):
    deploy(connect("aws"), SPEC, code=code)
    proxy.start()
    destroy(connect("aws"), NAME)
    calls = proxy.calls
    ended = Counter()
    for place in range(len(calls)):
        proxy.start()
        deploy(connect("aws"), SPEC, code=code)
        proxy.start(fault := Fault(kind, place, STALL_S))
        try:
            removed = destroy(connect("aws"), NAME)
        except RolloutError as error:
            print(f"{fault.met}: {error}")
            is_told = str(error).startswith("Removed: ")
            ended["told what is left" if is_told else "badly"] += 1
            destroy(connect("aws"), NAME)
        else:
            assert len(removed) == 3
            ended["done" if fault.met else "not met"] += 1
        assert left(connect("aws"), NAME) == []
    print(f"destroy, {kind}: {len(calls)} calls, {dict(ended)}")
    assert ended.total() - ended["badly"] == len(calls)


@pytest.mark.soak
@pytest.mark.parametrize("kind", FAULTS)
def test_a_run_ends_well_wherever_it_meets_a_fault(
    proxy, endpoint, tmp_path, monkeypatch, wheels_folder, kind, capsys
):
    """Every file arrives all the same; a call that may have run is not repeated."""
    wheelhouse.offer_for_this_machine(monkeypatch, wheels_folder)
    given = {
        "target": "aws",
        "function": NAME,
        "url_template": f"{endpoint.origin_url}/10000/{{number}}.jpg",
        "allow_private": True,
        "files": FILES,
        "memory_mb": 512,
        "architecture": machine().architecture,
        "tear_down": False,
    }

    def run(place):
        variables = run_cells(
            "20_fan_out", given | {"run_folder": f"{tmp_path}/{place}"}
        )
        return variables["run"].record["totals"]["counts"]["ok"]

    proxy.start()
    run("first")
    proxy.start()
    assert run("usual") == FILES
    calls = proxy.calls
    ended = Counter()
    for place in range(len(calls)):
        proxy.start(fault := Fault(kind, place, STALL_S))
        assert run(place) == FILES, fault
        ended["done" if fault.met else "not met"] += 1
    with capsys.disabled():
        print(f"run, {kind}: {len(calls)} calls, {dict(ended)}")
    assert ended["done"] > len(calls) / 2  # how many calls there are varies
