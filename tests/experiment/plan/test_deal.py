"""Dealing: whatever comes in goes out once, in shards of the sizes wanted."""

from itertools import chain, islice, repeat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiment.plan import deal
from experiment.plan.sizes import EqualSizes
from fetcher.contract.source import numbers_in, ranges_of
from fetcher.lists.url_list import RowBlock

TEXT = 10_000
LISTS = st.lists(st.integers(1, 40), min_size=1, max_size=12)  # lines in each block


def blocks(sizes, *, length=12):
    """Lines as a list gives them, numbered on, sizes of files all different."""
    first = 0
    for many in sizes:
        numbers = range(first, first + many)
        urls = [f"http://h{n * n % 7}/{n}".ljust(length, "x") for n in numbers]
        carried = [f'{{"bytes": {n * n % 11}}}' for n in numbers]
        yield RowBlock(first, urls, carried=carried)
        first += many


def numbers_dealt(shards):
    return list(chain.from_iterable(numbers_in(shard.ranges) for shard in shards))


@given(st.integers(1, 5_000), st.data())
def test_sizes_differ_by_at_most_one_and_sum_to_the_count(many, data):
    parts = data.draw(st.integers(1, many))
    dealt = list(islice(EqualSizes(many, parts), parts))

    assert sum(dealt) == many
    assert max(dealt) - min(dealt) <= 1
    assert dealt == sorted(dealt, reverse=True)


@given(st.sets(st.integers(0, 500), min_size=1).map(sorted), st.integers(1, 50))
def test_ranges_are_cut_into_pieces_of_a_size(numbers, size):
    pieces = list(deal.deal_ranges(ranges_of(numbers), repeat(size)))

    assert [n for piece in pieces for n in numbers_in(piece)] == numbers
    assert {len(list(numbers_in(piece))) for piece in pieces[:-1]} <= {size}
    assert 1 <= len(list(numbers_in(pieces[-1]))) <= size


@given(LISTS, st.integers(1, 60))
def test_lines_in_order_come_as_they_stand(sizes, size):
    shards = list(deal.deal_in_order(blocks(sizes), repeat(size), TEXT))

    assert numbers_dealt(shards) == list(range(sum(sizes)))
    assert {len(shard) for shard in shards[:-1]} <= {size}
    assert all(
        item.url.rstrip("x").endswith(f"/{item.number}")
        for shard in shards
        for item in shard
    )


@given(
    LISTS, st.integers(1, 60), st.sampled_from([deal.deal_by_host, deal.deal_by_bytes])
)
def test_lines_dealt_otherwise_come_once_too_ascending_in_each_shard(
    sizes, size, deal_by
):
    count = sum(sizes)
    equal = EqualSizes(count, max(1, count // size)).of_lines()
    shards = list(deal_by(blocks(sizes), equal, TEXT))

    assert sorted(numbers_dealt(shards)) == list(range(sum(sizes)))
    assert all([*shard] == sorted(shard) for shard in shards)
    assert all(len(shard) for shard in shards)


@given(
    LISTS,
    st.integers(50, 400),
    st.sampled_from([deal.deal_by_host, deal.deal_by_bytes, deal.deal_in_order]),
)
def test_no_shard_carries_more_text_than_it_may(sizes, text, deal_by):
    in_order = deal_by is deal.deal_in_order
    equal = EqualSizes(sum(sizes), max(1, sum(sizes) // 40))
    wanted = repeat(40) if in_order else equal.of_lines()
    shards = list(deal_by(blocks(sizes, length=30), wanted, text))

    assert sorted(numbers_dealt(shards)) == list(range(sum(sizes)))
    assert max(len(shard) for shard in shards) * 30 <= max(text, 30) + 30


def test_a_file_of_unknown_size_counts_as_one_of_mean_size():
    """
    The shard that has them all would otherwise have as many as all others together.
    """
    urls = [f"http://h/{n}" for n in range(1_000)]
    rows = RowBlock(0, urls, carried=['{"bytes": 1000000}'] * 500 + [""] * 500)
    shards = deal.deal_by_bytes([rows], EqualSizes(1_000, 10).of_lines(), 100_000)

    assert [len(shard) for shard in shards] == [100] * 10


def test_a_list_longer_than_a_window_is_dealt_window_by_window(monkeypatch):
    """
    It would have to be held whole otherwise.
    """
    monkeypatch.setattr(deal, "WINDOW", 100)
    read = []
    lines = (read.append(some.first) or some for some in blocks([10] * 100))
    shards = deal.deal_by_host(lines, EqualSizes(1_000, 50).of_lines(), TEXT)

    next(shards)
    assert len(read) <= 11
    assert max(numbers_dealt(shards)) == 999


def test_columns_that_only_some_blocks_have_keep_their_places():
    some = [
        RowBlock(0, ["http://h/0", "http://h/1"], (), (), ()),
        RowBlock(2, ["http://h/2"], ["two"], ["ab"], ()),
    ]
    (shard,) = deal.deal_in_order(some, repeat(9), TEXT)

    assert [item.destination for item in shard] == ["", "", "two"]
    assert [item.sha256 for item in shard] == ["", "", "ab"]
    assert shard.ranges == ((0, 3),)


@pytest.mark.parametrize(
    "way",
    [
        lambda *args, **how: deal.deal_in_order(args[0], repeat(50), *args[2:], **how),
        deal.deal_by_host,
        deal.deal_by_bytes,
    ],
)
def test_columns_that_the_sink_keeps_travel_and_count_as_text(way):
    rows = list(blocks([40, 60]))
    sizes = EqualSizes(100, 2).of_lines()
    shards = list(way(rows, sizes, 400, keeps_columns=True))
    carried = {item.number: item.carried for shard in shards for item in shard}
    texts = [sum(len(one.url + one.carried) for one in shard) for shard in shards]
    (without, *_) = way(rows, sizes, TEXT)

    assert [carried[n] for n in range(100)] == [
        one for block in rows for one in block.carried
    ]
    assert max(texts) < 2 * 400
    assert without.carried == ()
