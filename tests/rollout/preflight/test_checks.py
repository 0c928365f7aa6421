import re
import resource
from types import SimpleNamespace

import pytest
from tests.support.demands import FINE, demand

from aws_facts.limits import limit
from fetcher.contract.options import DESCRIPTORS, MAX_CONNECTIONS
from fetcher.process import descriptors
from rollout.deploy.deployment import FunctionSpec, deploy
from rollout.errors import PreflightError
from rollout.invoke import logs
from rollout.preflight.checks import check, check_may_invoke

AT_THE_LIMITS = demand(
    tmp_mb=10_240,
    timeout_s=900,
    concurrency=1_000,
    connections=MAX_CONNECTIONS,
    scratch_bytes=10_240_000_000,
    request_bytes=6_291_456,
    report_bytes=6_291_556,
    deadline_s=899.0,
)


@pytest.mark.parametrize("met", [FINE, AT_THE_LIMITS], ids=["usual", "at the limits"])
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
        ({"scratch_bytes": 10**11}, "make smaller shards, or use"),
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


def test_calling_is_tried_without_calling(target, function_name, zip_of):
    with pytest.raises(PreflightError, match=r"cannot be invoked\. .* not found"):
        check_may_invoke(target, function_name)

    code = zip_of("def handler(event, context):\n    print('called')\n")
    deploy(target, FunctionSpec(name=function_name, handler="main.handler"), code=code)
    check_may_invoke(target, function_name)

    assert list(logs.read(target, function_name)) == []


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
