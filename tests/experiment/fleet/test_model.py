"""The model against closed forms, and against the fleet event by event."""

from dataclasses import replace
from time import process_time

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.fleet_events import REGIMES, compared, with_fixed

from experiment.fleet import report_tables
from experiment.fleet.bottlenecks import LIMITS, relaxed, shares
from experiment.fleet.constant_draws import likeliest
from experiment.fleet.forecast import forecast, simulate
from experiment.fleet.model.shard_time import cpu_s, throughput
from experiment.fleet.model.starts import allowed_at
from experiment.fleet.question import INTERNET, Question
from experiment.parameters.fan_out import FALLING, SIZES

ALONE = Question(
    files=1_000,
    concurrency=1,
    connections=50,
    source=INTERNET,
    is_cold=False,
    hedge=False,
    architecture="x86_64",
)
OF_2022 = Question(files=20_000, concurrency=5_000, sizes_bytes=(1e8,), scaling="2022")
START_S = 0.073 + 0.03  # the call, and connecting


def median_s(question, draws=40, **fixed):
    constants = with_fixed(draws, **fixed)
    made = simulate(question, constants, np.random.default_rng(2))
    return float(np.median(made.seconds))


@pytest.mark.parametrize("name", REGIMES)
def test_the_model_agrees_with_the_fleet_event_by_event(name):
    model, events = compared(name)
    published = pd.read_csv(report_tables.CHECKS).set_index("regime").loc[name]

    assert model == pytest.approx(events, rel=0.05)
    assert (model, events) == pytest.approx(  # as the notebook shows
        (published["model_s"], published["events_s"]), rel=0.01
    )


SMALL = replace(ALONE, sizes_bytes=(10_000.0,))
FAST_S = 282e6 / (337.5e6 - 76.4e6)  # a line has its credit once, and then its base


@pytest.mark.parametrize(
    ("question", "fixed", "expected_s"),
    [
        (ALONE, {}, 0.04 + FAST_S + (1_700e6 - 337.5e6 * FAST_S) / 76.4e6),
        (replace(ALONE, files=100), {"x86_64_slowdown": 0.1}, 0.04 + 170e6 / 337.5e6),
        (
            replace(SMALL, files=20_000, connections=500, memory_mb=884),
            {},
            0.04 + 20_000 * 100.48e-6 * 2.2 * 1_769 / 884,
        ),
    ],
    ids=["line", "less than its credit", "half the processor"],
)
def test_one_execution_takes_as_long_as_a_closed_form_says(question, fixed, expected_s):
    assert median_s(question, **fixed) == pytest.approx(START_S + expected_s, rel=0.05)


def test_the_processors_time_grows_with_size_and_falls_with_memory():
    """
    Three processors take a third, unless the sink is in S3 or files are few.
    """

    def took_s(**changes):
        return cpu_s(replace(ALONE, **changes), likeliest())[0, 0]

    times = [took_s(sizes_bytes=(size,)) for size in (1e3, 1e4, 1e5, 1e6, 1e7)]
    assert times == sorted(times)
    assert times[0] == times[1]
    assert took_s(memory_mb=512) == pytest.approx(took_s(memory_mb=1_769) * 1_769 / 512)
    assert took_s(memory_mb=3 * 1_769) == pytest.approx(took_s(memory_mb=1_769) / 3)
    for alike in ({"files": 199}, {"sink": "s3-tar"}):
        three = took_s(memory_mb=3 * 1_769, **alike)
        assert three == pytest.approx(took_s(memory_mb=1_769, **alike))


@pytest.mark.parametrize(
    ("scaling", "late_s"), [("today", 2_000 / 100), ("2022", 2_500 * 60 / 500)]
)
def test_the_last_execution_starts_when_lambda_lets_it(scaling, late_s):
    question = replace(
        ALONE,
        files=3_000,
        concurrency=3_000,
        sizes_bytes=(1e3,),
        scaling=scaling,
        is_cold=True,
    )
    warm = replace(question, is_cold=False)

    assert allowed_at(warm, likeliest())[0, -1] < late_s / 5  # they are there
    assert allowed_at(question, likeliest())[0, -1] == pytest.approx(late_s, rel=0.01)
    assert median_s(question) < late_s / 5  # those that are free take its shard
    wide = Question(concurrency=3_000, read_prefixes=1_000, scaling=scaling)
    assert median_s(wide) < median_s(replace(wide, concurrency=1_000))


def test_executions_that_never_start_are_not_billed():
    known = {"starts_at_once": 100.0, "starts_per_s": 0.01, "tail_adds": 1.0}
    constants = with_fixed(40, tail_scale=1.0, **known)
    small = Question(files=60_000, sizes_bytes=(1e4,), source=INTERNET, latency_s=1.0)
    started = replace(small, concurrency=100, shards_per_execution=3)
    hoped_for = replace(started, concurrency=300, shards_per_execution=1)
    billed_s = [
        float(np.mean(simulate(one, constants, np.random.default_rng(2)).billed_s))
        for one in (started, hoped_for)
    ]

    assert billed_s[1] == pytest.approx(billed_s[0], rel=0.02)


def test_the_longest_of_a_thousand_has_the_recorded_excess():
    """
    As a share of the time, or as seconds that are lost whatever the work.
    """
    question = replace(ALONE, concurrency=1_000, files=100_000)
    small = replace(question, sizes_bytes=(1e5,))
    at_once = {"calls_per_s": 1e9}  # or the first take others' shards
    tail = {"tail_scale": 1.0} | at_once
    share = {"call_spread": 0.0} | tail
    steady = median_s(question, call_spread=0.0, **at_once) - START_S
    tailed = median_s(question, 600, tail_adds=0.0, **share) - START_S
    lost = [
        median_s(one, 600, tail_adds=1.0, **tail)
        - median_s(one, tail_adds=1.0, **at_once)
        for one in (question, small)
    ]

    assert tailed / steady == pytest.approx(2.43, rel=0.12)
    assert lost[0] == pytest.approx(1.43 * 5.379, rel=0.12)
    assert lost[1] == pytest.approx(lost[0], rel=0.05)


def test_connections_share_line_and_processor_as_queueing_theory_says():
    """
    One station and a delay have an exact answer: the machine repairman's.
    """
    jobs, wait, service = 20, 1.0, 0.05
    queue = 0.0
    for count in range(1, jobs + 1):  # exact mean value analysis
        on_it = service * (1 + queue)
        rate = count / (wait + on_it)
        queue = rate * on_it
    one = np.ones(1)

    assert throughput(jobs, one * wait, one * service, one * 1e-9)[0] == pytest.approx(
        rate, rel=0.04
    )


def test_falling_shards_spare_the_fleet_its_slow_executions():
    question = Question(connections=20)
    falling = replace(question, shard_sizes=FALLING)
    slow = {"tail_scale": 1.0, "tail_adds": 0.0}

    assert median_s(falling, **slow) < 0.75 * median_s(question, **slow)
    assert median_s(falling) < 1.2 * median_s(question)  # what more shards cost


QUESTIONS = st.builds(
    Question,
    files=st.integers(1, 100_000),
    sizes_bytes=st.lists(st.floats(1, 1e8), min_size=1, max_size=4).map(tuple),
    concurrency=st.integers(1, 300),
    connections=st.integers(1, 1_000),
    shards_per_execution=st.integers(1, 4),
    memory_mb=st.integers(128, 10_240),
    sink=st.sampled_from(["discard", "directory", "s3-tar", "s3-objects"]),
    source=st.sampled_from(["internet", "s3", "s3-elsewhere"]),
    scaling=st.sampled_from(["today", "2022"]),
    shard_sizes=st.sampled_from(SIZES),
    is_cold=st.booleans(),
    hedge=st.booleans(),
)


@settings(max_examples=25, deadline=None)
@given(QUESTIONS, st.sampled_from(LIMITS))
def test_whatever_is_asked_relaxing_a_limit_never_costs_time(question, name):
    constants = likeliest(20)
    now = simulate(question, constants, np.random.default_rng(3))
    eased = simulate(*relaxed(name, question, constants), np.random.default_rng(3))

    assert np.all(np.isfinite(now.seconds))
    assert now.seconds.min() > 0
    assert now.dollars.min() > 0
    assert np.median(eased.seconds) <= np.median(now.seconds) * 1.02


@pytest.mark.parametrize(
    ("question", "binds"),
    [
        (Question(memory_mb=3_008, shards_per_execution=8), "bandwidth"),
        (Question(memory_mb=128, shards_per_execution=8), "processor"),
        (Question(sizes_bytes=(10_000.0,), read_prefixes=1), "origin or S3"),
        (OF_2022, "scaling"),
        (Question(files=20_000, concurrency=10, connections=1, latency_s=1), "latency"),
    ],
)
def test_what_binds_is_named(question, binds):
    found = shares(question, 16)

    assert next(iter(found)) == binds
    assert found[binds] > 0.3
    assert set(found) == set(LIMITS)


def test_uneven_sizes_cost_what_their_mean_costs_and_spread_the_executions():
    even = replace(ALONE, concurrency=100, files=5_000, sizes_bytes=(5e6,))
    uneven = replace(even, sizes_bytes=(1e6, 1e6, 1e6, 17e6))

    assert uneven.mean_bytes == even.mean_bytes
    assert median_s(uneven) > 1.1 * median_s(even)


def test_the_same_question_has_the_same_forecast():
    assert forecast(ALONE, 50).time == forecast(ALONE, 50).time


@pytest.mark.soak
@pytest.mark.parametrize("shard_sizes", SIZES)
def test_a_thousand_executions_are_drawn_ten_thousand_times_in_two_seconds(shard_sizes):
    began = process_time()
    forecast(Question(shard_sizes=shard_sizes), 10_000)
    took_s = process_time() - began

    print(f"\n1,000 executions × 10,000 draws, {shard_sizes}: {took_s:.2f} s of CPU")
    assert took_s <= 2
