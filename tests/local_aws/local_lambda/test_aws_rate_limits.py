"""AWS's pace: how fast environments come, and how often a function may be called."""

import contextlib
import itertools
from time import monotonic

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.lambda_api import connect, create, eventually, running
from tests.support.lambda_functions import ECHO, GATE

from local_aws.local_lambda.runtime import aws_rate_limits as pace
from local_aws.local_lambda.runtime.aws_rate_limits import (
    CALLED_TOO_OFTEN,
    CANNOT_SCALE,
    RESERVED_CALLED_TOO_OFTEN,
    AwsPace,
)


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def aws_pace(clock):
    return AwsPace(clock)


def ask(aws_pace, function="f", **options):
    usual = {"reserved": None, "shared": 1_000_000, "is_cold": True}
    return aws_pace.refuse_or_count(function, **usual | options)


def admitted(aws_pace, calls, **options):
    """Return how many of so many calls at once are let in."""
    return sum(ask(aws_pace, **options) is None for _ in range(calls))


def test_a_function_gets_a_thousand_environments_at_once_and_a_hundred_a_second(
    aws_pace, clock
):
    """What is not used does not add up, and a refused call costs nothing."""
    came = []
    for clock.now in (0, 1, 3.5, 3_600):
        came.append(admitted(aws_pace, 3_000))

    assert came == [1_000, 100, 250, 1_000]
    assert ask(aws_pace) == CANNOT_SCALE


def test_each_function_scales_by_itself_and_warm_calls_scale_nothing(aws_pace):
    admitted(aws_pace, 1_000, function="f")

    assert admitted(aws_pace, 2_000, function="g") == 1_000
    assert admitted(aws_pace, 5_000, function="f", is_cold=False) == 5_000


def test_ten_calls_a_second_for_each_execution_that_all_share_or_one_has_reserved(
    aws_pace, clock
):
    warm = {"shared": 20, "is_cold": False}
    of_all = admitted(aws_pace, 1_000, function="f", **warm)
    reserved = admitted(aws_pace, 1_000, function="g", reserved=3, **warm)
    reasons = ask(aws_pace, "g", **warm), ask(aws_pace, "g", reserved=3, **warm)
    more = admitted(aws_pace, 1_000, function="g", reserved=5, **warm)
    clock.now = 0.5
    later = admitted(aws_pace, 1_000, function="h", **warm)

    assert (of_all, reserved, more, later) == (200, 30, 50, 100)
    assert reasons == (CALLED_TOO_OFTEN, RESERVED_CALLED_TOO_OFTEN)


def test_events_are_limited_by_environments_only(aws_pace):
    few = {"reserved": 1, "is_event": True}
    warm = admitted(aws_pace, 1_000, is_cold=False, **few)
    cold = admitted(aws_pace, 3_000, **few)
    calls = admitted(aws_pace, 1_000, reserved=1, is_cold=False)

    assert (warm, cold, calls) == (1_000, 1_000, 10)


@given(
    pauses=st.lists(st.floats(0, 20), min_size=1, max_size=200),
    burst=st.integers(1, 40),
)
def test_never_more_come_than_there_were_and_came_back(pauses, burst):
    clock = Clock()
    aws_pace = AwsPace(clock)
    came = [0]
    for pause in pauses:
        clock.now += pause
        came.append(came[-1] + admitted(aws_pace, burst))

    times = [0, *itertools.accumulate(pauses)]
    for first, last in itertools.combinations(range(0, len(times), 7), 2):
        allowed = 1_000 + 100 * (times[last] - times[first])
        assert came[last] - came[first] <= allowed + 1


# Through the endpoint


@pytest.fixture(scope="module")
def client_at_pace():
    with running(pace="aws") as aws, contextlib.closing(connect(aws)) as client:
        yield client


@pytest.fixture
def paced(client_at_pace, monkeypatch):
    """A client of an endpoint where a function gets two environments in two seconds."""
    monkeypatch.setattr(pace, "_NEW_ENVIRONMENTS", 2)
    monkeypatch.setattr(pace, "_REFILLED_IN_S", 2)
    return client_at_pace


def test_a_caller_that_takes_one_environment_too_many_is_throttled(
    paced, shared_folder, monkeypatch
):
    monkeypatch.setattr(pace, "_REFILLED_IN_S", 1_000)
    function = create(paced, "called", GATE, Timeout=30)
    refusals = function.refusals(4, 2, shared_folder / "gate")

    assert len(refusals) == 2
    for refusal in refusals:
        assert refusal["ResponseMetadata"]["HTTPStatusCode"] == 429
        assert refusal["Error"]["Code"] == "TooManyRequestsException"
        assert refusal["Error"]["Message"] == "Rate Exceeded."
        assert refusal["Reason"] == CANNOT_SCALE
    assert eventually(lambda: isinstance(function.at_once([0])[0], tuple))


def test_events_come_at_any_rate_and_wait_for_their_environment(
    paced, shared_folder, monkeypatch
):
    monkeypatch.setattr(pace, "_CALLS_PER_EXECUTION_S", 0)
    function = create(
        paced,
        "noting",
        "import os, time\n"
        "def run(event, context):\n"
        "    time.sleep(0.7)\n"
        "    open(event, 'w').close()\n",
        Timeout=10,
    )
    began = monotonic()
    for number in range(4):
        function.send(shared_folder / str(number))
    eventually(lambda: len(list(shared_folder.iterdir())) == 4)

    assert monotonic() - began >= 2 * 0.7  # the last two came after the first


def test_without_a_pace_no_call_is_slowed_down(monkeypatch, deploy):
    monkeypatch.setattr(pace, "_NEW_ENVIRONMENTS", 0)

    assert deploy(ECHO)(1) == (1, None)
