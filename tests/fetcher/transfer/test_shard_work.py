"""A source in parts: every URL in one of them, and if there are many hosts, by host."""

from itertools import chain

import pytest

from fetcher.contract.download_results import Download, Downloads
from fetcher.contract.inline_source import Inline
from fetcher.contract.outcome import Outcome
from fetcher.contract.source import Item
from fetcher.contract.template_source import Template
from fetcher.transfer.shard_work import ShardPart, _lose, _take, has_many_hosts


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


def test_what_a_child_did_is_taken_over_and_what_it_did_not_stays_untouched():
    mine, theirs = Downloads(5), Downloads(5)
    mine[0] = Download(Outcome.OK, 200, content_type="image/png")
    theirs[1] = Download(Outcome.OK, 200, content_type="image/gif")
    theirs[3] = Download(Outcome.UNSTARTED, detail="was to be tried again")
    _take(theirs, mine)

    assert [one.content_type for one in mine] == ["image/png", "image/gif", "", "", ""]
    assert mine.begun() == [0, 1, 3]
    assert mine.details == {3: "was to be tried again"}


def test_the_urls_of_a_child_that_died_do_not_count_as_tried():
    """
    Thousands of good ones were dealt to the few executions that wait for the silent.
    """
    downloads = Downloads(300)
    _lose(ShardPart(listed(3), 1, 3, is_by_host=False), "signal 9", downloads)

    assert downloads.details == {1: "the process fetching it died (signal 9)"}
