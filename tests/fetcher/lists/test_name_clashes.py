"""Names that clash are found, all of them and no others, in memory that stays small."""

import resource
from collections import Counter
from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fetcher.contract.source import Item
from fetcher.lists import name_clashes
from fetcher.lists.name_clashes import Repeats, clashing, names_of

NAMES = st.lists(st.sampled_from("ab"), min_size=1, max_size=4).map("/".join)
PIECES = st.lists(st.lists(NAMES, max_size=4), max_size=6)


def clashing_in(pieces, size=100):
    return clashing(pieces, lambda: pieces, size)


def clashing_by_definition(pieces):
    files = Counter(name for names in pieces for name in names)
    folders = {
        parent
        for name in files
        for parent in accumulate(name.split("/")[:-1], "{}/{}".format)
    }
    return {hash(name) for name in files if files[name] > 1 or name in folders}


@given(PIECES)
def test_what_clashes_is_found_and_nothing_else(pieces):
    assert clashing_in(pieces) == clashing_by_definition(pieces)


@given(PIECES)
def test_crowded_bits_and_several_turns_change_nothing(pieces):
    """
    Suspicion is cheap; only what is confirmed may refuse a list.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(name_clashes, "_FEWEST_BITS", 3)
        patch.setattr(name_clashes, "_MOST_BITS", 3)

        assert clashing_in(pieces, 1 << 5) == clashing_by_definition(pieces)


def test_many_names_take_little_memory():
    """
    A dictionary of them would take 100 MB.
    """

    def pieces():
        for first in range(0, 500_000, 1_000):
            yield [f"h/{n}/{n}.jpg" for n in range(first, first + 1_000)]

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    found = clashing(pieces(), pieces, 500_000 * 30)
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    assert found == set()
    assert after - before < 30_000


def test_an_item_has_the_name_of_its_url_too():
    """
    Else a URL could come twice, once with a destination.
    """
    assert names_of(Item(0, "http://h/1")) == ("h/1",)
    assert names_of(Item(0, "http://h/1", "h/1")) == ("h/1",)
    assert names_of(Item(0, "http://h/1", "cats/1")) == ("cats/1", "h/1")


def test_two_urls_that_differ_in_scheme_may_have_destinations_of_their_own():
    items = [Item(0, "http://h/1", "a"), Item(1, "https://h/1", "b")]
    clashes = clashing_in([list(names_of(item)) for item in items])
    found = Repeats(clashes)

    assert clashes == {hash("h/1")}
    assert [found.check(item, line) for line, item in enumerate(items, 1)] == ["", ""]
