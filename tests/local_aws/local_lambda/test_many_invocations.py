"""The local Lambda at some width: each call is answered once, and nothing stays."""

import itertools
import random

import pytest
from tests.support.many_invocations import RECORD, run_many, settle


@pytest.mark.parametrize(
    ("calls", "width"),
    [(300, 100), pytest.param(10_000, 1_000, marks=pytest.mark.soak)],
)
def test_that_many_environments_answer_each_call_once_and_go(endpoint, calls, width):
    before = endpoint.descriptors()
    # The first calls are all there together, however slowly environments start.
    sleeps = itertools.chain(itertools.repeat(2, width), itertools.repeat(0.1))
    with endpoint.function(RECORD) as name:
        trial = run_many(
            endpoint, name, calls=calls, in_flight=width, sleep_s=sleeps.__next__
        )
        found = len(endpoint.environments())
    settle(endpoint, before)
    trial.check()

    assert trial.failures == 0
    assert found == width


@pytest.mark.parametrize(
    ("calls", "in_flight", "least_kills"),
    [(300, 20, 5), pytest.param(10_000, 64, 500, marks=pytest.mark.soak)],
)
def test_environments_killed_at_random_cost_an_answer_and_nothing_else(
    endpoint, calls, in_flight, least_kills
):
    before = endpoint.descriptors()
    with endpoint.function(RECORD) as name:
        trial = run_many(
            endpoint,
            name,
            calls=calls,
            in_flight=in_flight,
            sleep_s=lambda: random.uniform(0, 0.05),
            kill_every_s=0.01,
        )
        width = len(endpoint.environments())
        afterwards = run_many(
            endpoint, name, calls=60, in_flight=in_flight, sleep_s=lambda: 0.01
        )
    settle(endpoint, before)
    trial.check()
    afterwards.check()
    print(f"{calls:,} calls: {trial.kills:,} kills, {trial.failures:,} failed calls")

    assert trial.kills > least_kills
    assert 0 < trial.failures <= trial.kills
    assert width <= in_flight
    assert afterwards.failures == 0
