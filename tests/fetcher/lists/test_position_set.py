"""Sets of positions, a bit each."""

from hypothesis import given
from hypothesis import strategies as st

from fetcher.lists.position_set import Positions

SOME = st.lists(st.integers(0, 200))


@given(SOME, st.integers(0, 250))
def test_a_set_of_positions_is_one_of_numbers(added, end):
    some = Positions()
    some.add(added)

    assert len(some) == len(set(added))
    assert [n for n in range(end) if n in some] == sorted({n for n in added if n < end})
    assert list(some.missing(end)) == [n for n in range(end) if n not in set(added)]
