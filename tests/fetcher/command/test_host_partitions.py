"""A list of many hosts shared among processes: each host in one, and nothing lost."""

import os

import pytest
from tests.support.url_lists import url_list

from fetcher.command.host_partitions import HostPartitions, has_many_hosts
from fetcher.lists.position_set import Positions
from fetcher.transfer.shard_work import ShardPart


@pytest.fixture
def listed(tmp_path):
    return lambda urls: url_list(tmp_path, "\n".join(urls))


def list_parts(urls, count):
    shares = HostPartitions(urls, Positions(), count)
    return [list(shares.items(nth)) for nth in range(count)]


def shard_parts(urls, count):
    items = list(urls)
    return [list(ShardPart(items, nth, count, is_by_host=True)) for nth in range(count)]


MANY = [f"http://h{n % 50}/{n}" for n in range(400)]


@pytest.mark.parametrize(
    ("urls", "many"),
    [
        (MANY, True),
        ([f"http://h{n}/" for n in range(20)], True),
        ([f"http://h/{n}" for n in range(400)], False),
        (["http://h/1"], False),
        (MANY + [f"http://h/{n}" for n in range(100)], False),
    ],
)
def test_a_list_that_one_host_dominates_is_not_shared_by_host(listed, urls, many):
    """
    One process would have nearly all of it.
    """
    assert has_many_hosts(listed(urls)) == many


def test_all_urls_of_a_host_are_in_one_part_and_each_url_in_one(listed):
    urls, done = listed(MANY), Positions()
    done.add((7, 8, 399))
    shares = HostPartitions(urls, done, 3)
    parts = [list(shares.items(nth)) for nth in range(3)]
    hosts = [{item.number % 50 for item in part} for part in parts]

    numbers = [item.number for part in parts for item in part]
    assert sorted(numbers) == sorted(set(range(400)) - {7, 8, 399})
    assert sum(map(len, hosts)) == 50
    assert min(map(len, parts)) > 60


@pytest.mark.parametrize("urls_in", [list_parts, shard_parts])
def test_however_the_urls_of_a_host_are_spelled_they_are_in_one_part(listed, urls_in):
    """
    Or else it would get the limit of a host from each process.
    """
    spelled = ("http://h{}/1", "http://H{}/2", "http://u:p@h{}/3", "http://h{}/\u00e9")
    urls = [one.format(n) for n in range(20) for one in spelled]
    parts = urls_in(listed(urls), 3)
    hosts = [{item.number // len(spelled) for item in part} for part in parts]

    assert sum(map(len, parts)) == len(urls)
    assert sum(map(len, hosts)) == 20


def test_what_a_process_that_dies_had_not_taken_is_left(listed):
    shares = HostPartitions(listed(MANY), Positions(), 2)
    pid = os.fork()
    if not pid:
        items = shares.items(1)
        for _ in range(5):
            next(items)
        os._exit(0)
    os.waitpid(pid, 0)
    own = list(shares.items(0))
    left = list(shares.left())

    assert len(own) + 5 + len(left) == 400
    assert not {item.number % 50 for item in own} & {item.number % 50 for item in left}
