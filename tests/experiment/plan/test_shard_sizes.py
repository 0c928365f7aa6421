"""Sizes of shards: all URLs in any case, and fewer towards the end if they fall."""

from itertools import islice, pairwise

from hypothesis import given
from hypothesis import strategies as st

from experiment.parameters.fan_out import FanOutSettings
from experiment.plan.shard_sizes import EqualSizes, FallingSizes, sizes_for


@given(
    st.integers(1, 50_000), st.integers(1, 60), st.integers(2, 40), st.integers(1, 400)
)
def test_falling_sizes_sum_to_the_count_and_never_rise(count, each, executions, least):
    shards = min(count, each * executions)
    sizes = FallingSizes.of(count, shards, executions, least)
    dealt = list(islice(sizes, sizes.shards))
    *whole, last = dealt

    assert sum(dealt) == count
    assert all(one >= other for one, other in pairwise(dealt))
    assert dealt[0] <= -(-count // shards)
    assert last <= min(whole, default=last)
    assert all(size >= min(least, -(-count // shards)) for size in whole)


@given(st.integers(1, 5_000), st.integers(1, 40), st.integers(1, 900))
def test_lines_dealt_some_at_a_time_are_all_dealt(count, shards, lines):
    equal = EqualSizes(count, min(shards, count)).of_lines()
    falling = FallingSizes.of(count, min(shards, count), 3, 5).of_lines()

    assert sum(equal(lines)) == sum(falling(lines)) == lines


def test_a_late_execution_holds_a_quarter_of_an_equal_share_in_the_end():
    settings = FanOutSettings(files=1_000_000, concurrency=1_000, connections=20)
    sizes = sizes_for(settings, settings.files)
    dealt = list(islice(sizes, sizes.shards))

    assert (dealt[0], dealt[-2]) == (250, 80)
    assert max(dealt[-1_000:]) < 130
    equal = FanOutSettings(files=1_000_000, concurrency=1_000, shard_sizes="equal")
    assert sizes_for(equal, 1_000_000) == EqualSizes(1_000_000, 4_000)


def test_urls_that_were_tried_before_go_to_few_executions():
    """
    They wait, hundreds side by side in one; what nobody has tried is dealt as ever.
    """
    settings = FanOutSettings(files=100_000, concurrency=50, connections=100)

    assert sizes_for(settings, 1_600, tried=1_600).shards == 1
    assert sizes_for(settings, 13_000, tried=13_000).shards == 9
    assert sizes_for(settings, 1_650, tried=1_600).shards == 1
    assert sizes_for(settings, 52_600, tried=2_600).shards == 125
