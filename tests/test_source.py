"""Sources: what they cover, how they are dealt again, how they travel."""

import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fetcher.source import (
    Inline,
    Item,
    Template,
    count,
    numbers_in,
    pack,
    ranges_of,
    source_from_dict,
    unpack,
)

NUMBERS = st.sets(st.integers(0, 10**6), max_size=40).map(sorted)
ANY_TEXT = st.text(st.characters(), max_size=20)  # surrogates, tabs, NULs and all


@st.composite
def inlines(draw):
    texts = st.tuples(ANY_TEXT, ANY_TEXT, ANY_TEXT)
    return Inline.of([Item(number, *draw(texts)) for number in draw(NUMBERS)])


@st.composite
def templates(draw):
    text = f"{draw(ANY_TEXT)}{{number}}{draw(ANY_TEXT)}"
    return Template(text, ranges_of(draw(NUMBERS)))


SOURCES = inlines() | templates()


@given(NUMBERS)
def test_ranges_hold_exactly_the_numbers_folded_into_them(numbers):
    ranges = ranges_of(numbers)

    assert list(numbers_in(ranges)) == numbers
    assert count(ranges) == len(numbers)
    assert all(a + many < b for (a, many), (b, _) in pairwise(ranges))


@given(SOURCES)
def test_a_source_survives_json_whatever_its_texts(source):
    travelled = source_from_dict(json.loads(json.dumps(source.to_dict())))

    assert travelled == source
    assert list(travelled) == list(source)


@given(SOURCES)
def test_a_source_has_as_many_items_as_it_says_numbered_as_it_says(source):
    numbers = [item.number for item in source]

    assert len(source) == len(numbers)
    assert numbers == list(numbers_in(source.ranges))


@given(st.lists(st.tuples(ANY_TEXT, ANY_TEXT, ANY_TEXT), max_size=9))
def test_items_come_back_from_an_inline_source_as_they_went_in(texts):
    items = [Item(3 * place, *of_one) for place, of_one in enumerate(texts)]

    assert list(Inline.of(items)) == items


def test_what_is_empty_everywhere_does_not_travel():
    alone = Inline(((0, 1_000),), ["http://h/1"] * 1_000)
    named = Inline(((0, 1_000),), ["http://h/1"] * 1_000, ["a"] * 1_000)

    assert Inline.of(list(alone)).destinations == ()
    assert len(alone.to_dict()["packed"]) < len(named.to_dict()["packed"])


def test_every_place_for_the_number_in_a_template_is_filled():
    source = Template("http://h/{number}/{number}.jpg", ((3, 1),))

    assert [item.url for item in source] == ["http://h/3/3.jpg"]


def test_a_million_urls_of_a_template_travel_in_a_hundred_bytes():
    source = Template("http://host/{number}.jpg", ((0, 1_000_000),))

    assert len(json.dumps(source.to_dict())) < 100


def test_a_template_without_a_number_is_refused():
    with pytest.raises(ValueError, match=r"'http://h/1.jpg' has no \{number\} in it"):
        Template("http://h/1.jpg", ((0, 2),))


@pytest.mark.parametrize(
    ("spoiled", "said"),
    [
        ({"kind": "magnet"}, "kind is 'magnet'; it must be one of template, inline"),
        ({"packed": "?"}, "inline source cannot be read"),
        ({"packed": pack(b"[")[:-4]}, "inline source cannot be read"),
        ({"packed": pack(b"\xff")}, "inline source cannot be read"),
        ({"packed": pack(b'[["http://h/1"]]')}, "For 2 numbers there must be as many"),
        (
            {"packed": pack(b'[["a", "b"], ["c"], []]')},
            "there must be as many texts of",
        ),
        ({"packed": pack(b"[[], [], [], []]")}, "inline source cannot be read"),
        ({"ranges": None}, "inline source cannot be read"),
        ({"ranges": [[3, 1], [2, 1]]}, "must ascend"),
        ({"ranges": [[3, 0]]}, "none may be empty"),
        ({"ranges": [[0, 1], [0, 1]]}, "must ascend"),
    ],
)
def test_a_malformed_source_is_refused_with_the_reason(spoiled, said):
    fields = Inline(((0, 2),), ["http://h/0", "http://h/1"]).to_dict()

    with pytest.raises(ValueError, match=said):
        source_from_dict(fields | spoiled)


@given(st.binary())
def test_what_was_packed_is_unpacked(data):
    assert unpack(pack(data)) == data
