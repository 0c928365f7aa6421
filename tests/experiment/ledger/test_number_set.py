"""Numbers in bulk: ranges, arrays and sets say the same."""

from itertools import islice

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from experiment.ledger.number_set import NumberSet, numbers_of, ranges_of
from fetcher.contract import source
from fetcher.lists.url_list import ENDLESS

NUMBERS = st.sets(st.integers(0, 5_000) | st.integers(2**21, 2**21 + 99)).map(sorted)


def array(numbers):
    return np.array(numbers, np.int64)


def set_of(numbers):
    made = NumberSet()
    made.add(array(numbers))
    return made


def within(ranges, end):
    return [
        number
        for first, many in ranges
        for number in range(first, min(first + many, end))
    ]


@given(NUMBERS)
def test_ranges_hold_exactly_the_numbers_folded_into_them(numbers):
    ranges = ranges_of(array(numbers))

    assert ranges == source.ranges_of(numbers)
    assert numbers_of(ranges).tolist() == numbers


@given(NUMBERS, NUMBERS)
def test_a_set_holds_what_was_put_in_however_often(some, others):
    made = set_of(some)
    made.add(array(others))

    assert within(made.ranges(), ENDLESS) == sorted({*some, *others})
    assert len(made) == len({*some, *others})


@given(NUMBERS, st.integers(0, 2**21 + 200))
def test_gaps_are_what_is_not_in_the_set(numbers, end):
    gaps = list(set_of(numbers).gaps(end))
    inside = {number for number in numbers if number < end}
    told = (n for first, many in gaps for n in range(first, first + many))
    missing = (n for n in range(end) if n not in inside)

    assert list(islice(told, 20)) == list(islice(missing, 20))
    assert sum(many for _, many in gaps) == end - len(inside)


def test_after_the_last_number_the_gap_has_no_end():
    """
    How long a list is may not be known yet.
    """
    assert list(set_of([0, 1, 5]).gaps(ENDLESS)) == [(2, 3), (6, ENDLESS - 6)]


@given(NUMBERS, NUMBERS)
def test_without_others_only_the_rest_is_left(some, others):
    left = set_of(some).without(set_of(others))

    assert within(left.ranges(), ENDLESS) == sorted({*some} - {*others})


def test_a_hundred_million_numbers_take_a_bit_each():
    made = set_of([100_000_000])

    assert made._bits.nbytes < 14_000_000
