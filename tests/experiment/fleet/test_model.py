"""The model against closed forms, and against the fleet event by event."""

import math
from dataclasses import replace
from time import process_time

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.fleet_events import REGIMES, compared

from experiment.fleet import words
from experiment.fleet.draws import likeliest
from experiment.fleet.forecast import band, forecast, simulate
from experiment.fleet.limits import LIMITS, relaxed, shares
from experiment.fleet.model.starts import allowed_at
from experiment.fleet.model.work import cpu_s, throughput
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
    constants = likeliest(draws)
    for name, value in ({"tail_scale": 0.0} | fixed).items():
        constants[name] = np.full_like(constants[name], value)
    return float(
        np.median(simulate(question, constants, np.random.default_rng(2)).seconds)
    )


@pytest.mark.parametrize("name", REGIMES)
def test_the_model_agrees_with_the_fleet_event_by_event(name):
    model, events = compared(name)
    published = pd.read_csv(words.CHECKS).set_index("regime").loc[name]

    assert model == pytest.approx(events, rel=0.05)
    assert model == pytest.approx(
        published["model_s"], rel=0.01
    )  # as the notebook shows
    assert events == pytest.approx(published["events_s"], rel=0.01)


def test_a_line_that_binds_has_its_credit_once_and_then_its_base():
    credit, burst, base, total = 282e6, 337.5e6, 76.4e6, 1_700e6
    fast_s = credit / (burst - base)
    expected = START_S + 0.04 + fast_s + (total - burst * fast_s) / base

    assert median_s(ALONE) == pytest.approx(expected, rel=0.05)


def test_less_than_the_credit_takes_a_burst():
    question = replace(ALONE, files=100)
    expected = START_S + 0.04 + 170e6 / 337.5e6

    assert median_s(question, x86_64_slowdown=0.1) == pytest.approx(expected, rel=0.05)


def test_half_the_processor_takes_twice_as_long():
    question = replace(ALONE, sizes_bytes=(10_000.0,), files=20_000, connections=500)
    question = replace(question, memory_mb=884)
    one_s = 20_000 * 100.48e-6 * 2.2 * 1_769 / 884

    assert median_s(question) == pytest.approx(START_S + 0.04 + one_s, rel=0.05)


def test_three_processors_take_a_third_unless_the_sink_is_in_s3():
    one = replace(ALONE, sizes_bytes=(10_000.0,), memory_mb=1_769)
    three = replace(one, memory_mb=3 * 1_769)
    constants = likeliest()

    assert cpu_s(three, constants) == pytest.approx(cpu_s(one, constants) / 3)
    for alike in (replace(three, files=199), replace(three, sink="s3-tar")):
        alone = replace(alike, memory_mb=1_769)
        assert cpu_s(alike, constants) == pytest.approx(cpu_s(alone, constants))


def test_files_that_wait_come_in_rounds():
    question = replace(ALONE, sizes_bytes=(10_000.0,), latency_s=2.0, files=200)
    expected = START_S + 4 * 2.0

    assert median_s(question) == pytest.approx(expected, rel=0.1)


@pytest.mark.parametrize(
    ("scaling", "late_s"), [("today", 2_000 / 100), ("2022", 2_500 * 60 / 500)]
)
def test_the_last_execution_starts_when_lambda_lets_it(scaling, late_s):
    question = replace(
        ALONE, files=3_000, concurrency=3_000, sizes_bytes=(1e3,), scaling=scaling
    )

    assert allowed_at(question, likeliest())[0, -1] == pytest.approx(late_s, rel=0.01)
    assert median_s(question) < late_s / 5  # those that are free take its shard


def test_more_executions_than_lambda_starts_at_once_cost_no_time():
    wide = Question(concurrency=3_000, read_prefixes=1_000)

    assert median_s(wide) < median_s(replace(wide, concurrency=1_000))


def test_executions_that_never_start_are_not_billed():
    known = {"starts_at_once": 100.0, "starts_per_s": 0.01, "tail_adds": 1.0}
    constants = likeliest(40)
    for name, value in known.items():
        constants[name] = np.full_like(constants[name], value)
    small = Question(files=60_000, sizes_bytes=(1e4,), source=INTERNET, latency_s=1.0)
    started = replace(small, concurrency=100, shards_per_execution=3)
    hoped_for = replace(started, concurrency=300, shards_per_execution=1)
    billed_s = [
        float(np.mean(simulate(one, constants, np.random.default_rng(2)).billed_s))
        for one in (started, hoped_for)
    ]

    assert billed_s[1] == pytest.approx(billed_s[0], rel=0.02)


def test_the_longest_of_a_thousand_has_the_recorded_excess():
    question = replace(ALONE, concurrency=1_000, files=100_000)
    at_once = {"calls_per_s": 1e9, "call_spread": 0.0}
    multiplied = {"tail_scale": 1.0, "tail_adds": 0.0} | at_once
    steady = median_s(question, **at_once) - START_S
    tailed = median_s(question, 600, **multiplied) - START_S

    assert tailed / steady == pytest.approx(2.43, rel=0.12)


def test_seconds_that_are_lost_add_whatever_the_work():
    question = replace(ALONE, concurrency=1_000, files=100_000)
    small = replace(question, sizes_bytes=(1e5,))
    known = {"tail_adds": 1.0, "calls_per_s": 1e9}  # or the first take others' shards
    lost = [
        median_s(one, 600, tail_scale=1.0, **known) - median_s(one, **known)
        for one in (question, small)
    ]

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


def test_the_same_seed_gives_the_same_forecast():
    question = replace(ALONE, concurrency=10)

    assert forecast(question, 50).time == forecast(question, 50).time
    assert forecast(question, 50).time != forecast(question, 50, seed=1).time


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
    again_share=st.sampled_from([0.0, 0.2]),
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


def test_the_processors_time_grows_with_size_and_falls_with_memory():
    constants = likeliest()
    times = [
        cpu_s(replace(ALONE, sizes_bytes=(size,)), constants)[0, 0]
        for size in (1e3, 1e4, 1e5, 1e6, 1e7)
    ]

    assert times == sorted(times)
    assert times[0] == times[1]
    small = cpu_s(replace(ALONE, memory_mb=512), constants)[0, 0]
    whole = cpu_s(replace(ALONE, memory_mb=3_538), constants)[0, 0]
    assert small / whole == pytest.approx(3_538 / 512)  # two processes


def test_a_band_holds_its_median():
    low, middle, high = band(np.arange(1_001.0))

    assert (low, middle, high) == (50.0, 500.0, 950.0)
    assert math.isclose(middle, 500)


@pytest.mark.soak
@pytest.mark.parametrize("shard_sizes", SIZES)
def test_a_thousand_executions_are_drawn_ten_thousand_times_in_two_seconds(shard_sizes):
    began = process_time()
    forecast(Question(shard_sizes=shard_sizes), 10_000)
    took_s = process_time() - began

    print(f"\n1,000 executions × 10,000 draws, {shard_sizes}: {took_s:.2f} s of CPU")
    assert took_s <= 2
