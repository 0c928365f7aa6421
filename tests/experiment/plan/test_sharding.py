"""Dealing: whatever comes in goes out once, in shards of the sizes wanted."""

from itertools import chain, repeat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiment.plan import sharding
from experiment.plan.shard_sizes import EqualSizes
from experiment.plan.url_facts import sizes_of
from fetcher.contract.source import numbers_in
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


WAYS = [sharding.deal_in_order, sharding.deal_by_host, sharding.deal_by_bytes]


def dealt(way, rows, sizes, most_text, *, keeps_columns=False):
    rows = list(rows)
    sent = [sharding.as_sent(some, keeps_columns=keeps_columns) for some in rows]
    if way is sharding.deal_in_order:
        return list(way(sent, iter(sizes), most_text))
    if way is sharding.deal_by_bytes:
        sent = zip(sent, map(sizes_of, rows), strict=True)
    return list(way(sent, sizes.of_lines(), most_text))


@given(LISTS, st.integers(1, 60), st.integers(50, 2_000), st.sampled_from(WAYS))
def test_lines_come_once_in_shards_that_carry_no_more_text_than_they_may(
    sizes, size, text, way
):
    count = sum(sizes)
    equal = EqualSizes(count, max(1, count // size))
    shards = dealt(way, blocks(sizes, length=30), equal, text)

    sizes = [len(shard) for shard in shards]
    items = [item for shard in shards for item in shard]
    assert sorted(numbers_dealt(shards)) == list(range(count))
    assert all([*shard] == sorted(shard) for shard in shards)
    assert all(item.url.rstrip("x").endswith(f"/{item.number}") for item in items)
    assert min(sizes) > 0
    assert max(sizes) * 30 <= max(text, 30) + 30
    if way is sharding.deal_in_order:
        assert numbers_dealt(shards) == list(range(count))
        assert max(sizes) <= equal.most


def test_a_file_of_unknown_size_counts_as_one_of_mean_size():
    """
    The shard that has them all would otherwise have as many as all others together.
    """
    urls = [f"http://h/{n}" for n in range(1_000)]
    told = [(RowBlock(0, urls), [1_000_000] * 500 + [0] * 500)]
    shards = sharding.deal_by_bytes(told, EqualSizes(1_000, 10).of_lines(), 100_000)

    assert [len(shard) for shard in shards] == [100] * 10


def test_a_list_longer_than_a_window_is_dealt_window_by_window(monkeypatch):
    """
    It would have to be held whole otherwise.
    """
    monkeypatch.setattr(sharding, "WINDOW", 100)
    read = []
    lines = (read.append(some.first) or some for some in blocks([10] * 100))
    shards = sharding.deal_by_host(lines, EqualSizes(1_000, 50).of_lines(), TEXT)

    next(shards)
    assert len(read) <= 11
    assert max(numbers_dealt(shards)) == 999


def test_columns_that_only_some_blocks_have_keep_their_places():
    some = [
        RowBlock(0, ["http://h/0", "http://h/1"], (), (), ()),
        RowBlock(2, ["http://h/2"], ["two"], ["ab"], ()),
    ]
    (shard,) = sharding.deal_in_order(some, repeat(9), TEXT)

    assert [item.destination for item in shard] == ["", "", "two"]
    assert [item.sha256 for item in shard] == ["", "", "ab"]
    assert shard.ranges == ((0, 3),)


@pytest.mark.parametrize("way", WAYS)
def test_columns_that_the_sink_keeps_travel_and_count_as_text(way):
    rows = list(blocks([40, 60]))
    sizes = EqualSizes(100, 2)
    shards = dealt(way, rows, sizes, 400, keeps_columns=True)
    carried = {item.number: item.carried for shard in shards for item in shard}
    texts = [sum(len(one.url + one.carried) for one in shard) for shard in shards]
    (without, *_) = dealt(way, rows, sizes, TEXT)

    assert [carried[n] for n in range(100)] == [
        one for block in rows for one in block.carried
    ]
    assert max(texts) < 2 * 400
    assert without.carried == ()
