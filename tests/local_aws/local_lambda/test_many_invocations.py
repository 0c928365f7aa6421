"""The local Lambda at some width: the short forms of the soak tests."""

import random

from tests.support.many_invocations import RECORD, run_many, settle


def test_a_hundred_environments_answer_each_call_once_and_go(endpoint):
    before = endpoint.descriptors()
    with endpoint.function(RECORD) as name:
        trial = run_many(endpoint, name, calls=300, in_flight=100, sleep_s=lambda: 0.8)
        width = len(endpoint.environments())
    settle(endpoint, before)
    trial.check()

    assert trial.failures == 0
    assert width == 100


def test_environments_killed_at_random_cost_an_answer_and_nothing_else(endpoint):
    before = endpoint.descriptors()
    with endpoint.function(RECORD) as name:
        trial = run_many(
            endpoint,
            name,
            calls=300,
            in_flight=20,
            sleep_s=lambda: random.uniform(0, 0.05),
            kill_every_s=0.01,
        )
        width = len(endpoint.environments())
        afterwards = run_many(
            endpoint, name, calls=60, in_flight=20, sleep_s=lambda: 0.01
        )
    settle(endpoint, before)
    trial.check()
    afterwards.check()

    assert trial.kills > 20
    assert 0 < trial.failures <= trial.kills
    assert width <= 20
    assert afterwards.failures == 0
