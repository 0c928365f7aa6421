"""Positions: a set, in a bit each."""

from hypothesis import given
from hypothesis import strategies as st

from fetcher.lists.position_set import Positions


@given(st.integers(1, 40), st.lists(st.lists(st.integers(0, 39), max_size=9)))
def test_it_is_the_set_that_was_put_in(many, added):
    positions, expected = Positions(many), set()
    for some in [[one % many for one in some] for some in added]:
        positions.add(some)
        expected.update(some)

    assert len(positions) == len(expected)
    assert {one for one in range(many) if one in positions} == expected
    assert list(positions.missing()) == sorted(set(range(many)) - expected)


def test_of_no_positions_none_is_missing():
    assert list(Positions(0).missing()) == []
