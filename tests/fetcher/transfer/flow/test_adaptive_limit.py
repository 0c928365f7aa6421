"""A number of connections that finds itself, on origins of all kinds."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.simulated_origins import Crowded, Defective, Downloads, Origin

from fetcher.transfer.flow.adaptive_limit import AdaptiveLimit

MOST = 480
ORIGINS = {
    "far": Origin(0.1, spread=0.1),
    "far, of all sizes": Origin(0.3, spread=1.0),
    "capped in bandwidth": Origin(0.05, per_s=800, spread=0.1),
    "capped, and near": Origin(0.01, per_s=2_000, spread=0.5),
    "slow per connection": Origin(0.5, spread=0.3),
    "bound by CPU": Origin(0.001, per_s=4_000),
}


@pytest.mark.parametrize("origin", ORIGINS.values(), ids=ORIGINS)
def test_after_three_seconds_it_is_as_good_as_the_best_fixed_number(origin):
    """
    With any number, an origin answers number ÷ latency, and `per_s`, at most.
    """
    downloads = Downloads(origin, MOST)
    downloads.go_on(3.0)
    mean_s = origin.latency_s * 2.718 ** (origin.spread**2 / 2)
    best = min(MOST / mean_s, origin.per_s)

    assert downloads.go_on(7.0)[0] >= 0.9 * best


def test_it_does_not_queue_more_than_it_must():
    """
    Ten times as many would keep the origin as busy, and everybody else waiting.
    """
    downloads = Downloads(Origin(0.1, per_s=1_000, spread=0.2), MOST)
    downloads.go_on(20.0)

    assert 90 <= downloads.limit.number <= 250


def test_it_follows_a_limit_that_falls_and_rises():
    origin = Origin(0.1, per_s=2_000, spread=0.2)
    downloads = Downloads(origin, MOST)
    downloads.go_on(5.0)
    before = downloads.limit.number
    origin.per_s = 300
    downloads.go_on(10.0)
    low, fallen = downloads.limit.number, downloads.go_on(14.0)[0]
    origin.per_s = 2_000
    downloads.go_on(18.0)

    assert before > 190
    assert low < 100
    assert fallen > 0.9 * 300
    assert downloads.go_on(22.0)[0] > 0.9 * 2_000


def test_an_origin_that_is_slower_by_itself_gets_no_fewer():
    """
    As in a list in which a near host's URLs come before a far one's.
    """
    origin = Origin(0.02, spread=0.2)
    downloads = Downloads(origin, MOST)
    downloads.go_on(2.0)
    origin.latency_s = 0.4
    downloads.go_on(6.0)

    assert downloads.go_on(10.0)[0] > 0.9 * MOST / (0.4 * 1.02)


def test_where_connections_above_a_number_are_reset_few_are():
    downloads = Downloads(Crowded(0.1, most=100), MOST)
    downloads.go_on(3.0)
    answered, failed = downloads.go_on(23.0)

    assert answered > 0.75 * 100 / (0.1 * 1.02)
    assert failed < 0.1 * answered


@pytest.mark.parametrize("share", [0.2, 0.6])
def test_failures_that_fewer_connections_do_not_cure_are_taken_for_usual(share):
    downloads = Downloads(Defective(0.1, share), MOST)
    downloads.go_on(3.0)
    ended = sum(downloads.go_on(9.0))

    assert ended > MOST / (0.1 * 1.02) / 2


def test_downloads_that_had_to_connect_first_say_nothing_of_how_long_others_take():
    """
    All of the first ones do: with their times, a queue would look like a short one.
    """
    limit = AdaptiveLimit(MOST, 0.0)
    for _ in range(limit.number):
        limit.ended(0.0, 0.05, is_timed=False)
    for second in range(20):
        limit.is_full = True
        limit.ended(0.05, 0.06 + second / 10_000)
    doubled = limit.number
    for second in range(64):
        limit.ended(0.1, 0.13 + second / 10_000)

    assert doubled == 128
    assert limit.number < 100


def test_a_list_with_no_more_to_do_makes_it_no_larger():
    limit = AdaptiveLimit(MOST, 0.0)
    for second in range(1, 1_000):
        limit.ended(second - 0.1, float(second))

    assert limit.samples == [(0.0, 64)]


@settings(max_examples=30, deadline=None)
@given(
    st.integers(1, 600),
    st.lists(st.tuples(st.floats(0, 60), st.booleans(), st.booleans()), max_size=400),
)
def test_it_stays_within_bounds_whatever_comes(most, ends):
    limit, now = AdaptiveLimit(most, 0.0), 0.0
    for seconds, is_good, is_full in ends:
        limit.is_full |= is_full
        now += seconds / 10
        (limit.ended if is_good else limit.failed)(max(0.0, now - seconds), now)

        assert min(4, most) <= limit.number <= most
    times = [second for second, _ in limit.samples]

    assert times == sorted(times)
    assert len(times) <= 48
