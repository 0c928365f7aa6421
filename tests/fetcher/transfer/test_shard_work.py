"""A source in parts: every URL in one of them, and if there are many hosts, by host."""

from itertools import chain

import pytest

from fetcher.contract.source import Inline, Item, Template
from fetcher.transfer.shard_work import ShardPart, has_many_hosts


def listed(hosts):
    return Inline.of([Item(n, f"http://h{n % hosts}/{n}") for n in range(300)])


@pytest.mark.parametrize(
    ("source", "is_by_host"),
    [
        (listed(100), True),
        (listed(3), False),
        (Template("http://h{number%100}/{number}", ((5, 300),)), False),
    ],
)
def test_every_url_is_in_one_part(source, is_by_host):
    parts = [ShardPart(source, nth, 3, is_by_host=is_by_host) for nth in range(3)]
    taken = [list(part) for part in parts]
    positions = sorted(chain.from_iterable(part.positions for part in parts))
    hosts = [{item.url.split("/")[2] for item in items} for items in taken]

    assert has_many_hosts(source) is is_by_host
    assert sorted(chain.from_iterable(taken)) == list(source)
    assert positions == list(range(300))
    assert min(map(len, taken)) > 50
    assert sum(map(len, hosts)) == 100 or not is_by_host
