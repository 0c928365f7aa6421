"""Sources: what they cover, how they are dealt again, how they travel."""

import json
import re
from itertools import pairwise
from string import digits

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fetcher.contract.compressed_text import pack, unpack
from fetcher.contract.inline_source import Inline
from fetcher.contract.shard_messages import Shard
from fetcher.contract.source import Item, count, numbers_in, ranges_of
from fetcher.contract.template_source import Template

NUMBERS = st.sets(st.integers(0, 10**6), max_size=40).map(sorted)
ANY_TEXT = st.text(st.characters(), max_size=20)  # surrogates, tabs, NULs and all
NO_BRACES = st.text(st.characters(exclude_characters="{}"), max_size=20)


@st.composite
def inlines(draw):
    texts = st.tuples(ANY_TEXT, ANY_TEXT, ANY_TEXT)
    return Inline.of([Item(number, *draw(texts)) for number in draw(NUMBERS)])


@st.composite
def texts_of_templates(draw):
    divisors = draw(st.lists(st.none() | st.integers(1, 30), max_size=4))
    divisors.insert(draw(st.integers(0, len(divisors))), None)
    places = ["{number}" if by is None else f"{{number%{by}}}" for by in divisors]
    between = NO_BRACES.filter(lambda text: text and text[0] not in digits)
    text = draw(NO_BRACES) + places[0]
    return text + "".join(draw(between) + place for place in places[1:])


@st.composite
def templates(draw):
    text = draw(texts_of_templates()) + draw(NO_BRACES)
    return Template(text, ranges_of(draw(NUMBERS)))


def filled(text, number):
    """Return a template's text as its words say it is filled, one by one."""

    def remainder(found):
        return str(number % int(found[1]))

    return re.sub(r"\{number%(\d+)\}", remainder, text).replace("{number}", str(number))


@given(NUMBERS)
def test_ranges_hold_exactly_the_numbers_folded_into_them(numbers):
    ranges = ranges_of(numbers)

    assert list(numbers_in(ranges)) == numbers
    assert count(ranges) == len(numbers)
    assert all(a + many < b for (a, many), (b, _) in pairwise(ranges))


@given(inlines() | templates())
def test_a_source_survives_json_and_has_the_items_that_it_says(source):
    travelled = type(source).from_dict(json.loads(json.dumps(source.to_dict())))
    numbers = [item.number for item in source]

    assert travelled == source
    assert list(travelled) == list(source)
    assert len(source) == len(numbers)
    assert numbers == list(numbers_in(source.ranges))


@given(st.lists(st.tuples(*[ANY_TEXT] * 4), max_size=9))
def test_items_come_back_from_an_inline_source_as_they_went_in(texts):
    items = [Item(3 * place, *of_one) for place, of_one in enumerate(texts)]

    assert list(Inline.of(items)) == items


def test_what_a_row_carries_along_travels_only_to_who_keeps_it():
    item = Item(0, "http://h/1", carried='{"caption": "a cat"}')
    sent = Inline.of([item], keeps_columns=True).to_dict()

    assert list(Inline.of([item])) == [Item(0, "http://h/1")]
    assert list(Inline.from_dict(sent)) == [item]


def test_what_is_empty_everywhere_does_not_travel():
    alone = Inline(((0, 1_000),), ["http://h/1"] * 1_000)
    named = Inline(((0, 1_000),), ["http://h/1"] * 1_000, ["a"] * 1_000)

    assert Inline.of(list(alone)).destinations == ()
    assert len(alone.to_dict()["packed"]) < len(named.to_dict()["packed"])


@pytest.mark.parametrize(
    ("text", "urls"),
    [
        (
            "http://h/{number}/{number}.jpg",
            ["http://h/18/18.jpg", "http://h/19/19.jpg"],
        ),
        (
            "s3://b-{number%4}/{number%16}/%s/{number}.jpg",
            ["s3://b-2/2/%s/18.jpg", "s3://b-3/3/%s/19.jpg"],
        ),
    ],
    ids=["the number itself", "its remainders, over buckets and prefixes"],
)
def test_every_place_for_the_number_in_a_template_is_filled(text, urls):
    assert [item.url for item in Template(text, ((18, 2),))] == urls


def test_a_million_urls_of_a_template_travel_in_a_hundred_bytes():
    source = Template("http://host/{number}.jpg", ((0, 1_000_000),))

    assert len(json.dumps(source.to_dict())) < 100


@given(texts_of_templates(), NO_BRACES, st.integers(1, 400))
def test_no_two_numbers_have_the_same_url(text, end, many):
    urls = [item.url for item in Template(text + end, ((0, many),))]

    assert len(set(urls)) == many


@given(templates(), st.integers(1, 9))
def test_a_url_follows_from_its_number_however_the_ranges_are_dealt_again(source, size):
    whole = {item.number: item.url for item in source}
    numbers = list(whole)
    again = [
        item
        for first in range(0, len(numbers), size)
        for item in Template(source.text, ranges_of(numbers[first : first + size]))
    ]

    assert {item.number: item.url for item in again} == whole
    assert whole == {number: filled(source.text, number) for number in numbers}


def test_numbers_alone_may_stand_side_by_side():
    urls = [item.url for item in Template("h/{number}{number}1{number}", ((0, 2_000),))]

    assert len(set(urls)) == 2_000


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("http://h/1.jpg", "'http://h/1.jpg' has no {number} in it, so files would"),
        ("http://h-{number%4}/1.jpg", "has no {number} in it"),
        ("http://h/{number%0}/{number}", "divides by 0. Write {number%16}, say"),
        ("http://h/{id}/{number}", "holds '{id}', which stands for nothing. There are"),
        ("http://h/{number%-1}/{number}", "holds '{number%-1}', which stands for"),
        ("http://h/{number%}/{number}", "holds '{number%}'"),
        ("http://h/{number%1234567890}/{number}", "holds '{number%1234567890}'"),
        ("http://h/{number%٣}/{number}", "holds '{number%٣}'"),
        ("http://h/{number:03}/{number}", "holds '{number:03}'"),
        ("http://h/{}{number}", "holds '{}'"),
        ("http://h/{{number}}", "holds '{'"),
        ("http://h/{number}}", "holds '}'"),
        ("http://h/{number%16/{number}", "holds '{number%16/'"),
        ("http://h/{number%16}{number}", "has a digit or another number right after"),
        ("http://h/{number}{number%16}", "has a digit or another number right after"),
        ("http://h/{number%16}0{number}", "Put something else in between, as in {num"),
    ],
)
def test_a_template_that_stands_for_no_urls_is_refused(text, said):
    with pytest.raises(ValueError, match=re.escape(said)):
        Template(text, ((0, 2),))


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
    source = Inline(((0, 2),), ["http://h/0", "http://h/1"])
    event = json.loads(Shard(run="r", index=0, source=source).to_json())
    event["source"] |= spoiled

    with pytest.raises(ValueError, match=said):
        Shard.from_dict(event)


@given(st.binary())
def test_what_was_packed_is_unpacked(data):
    assert unpack(pack(data)) == data
