"""Deals: every position goes to one of those who take, whoever is quicker."""

from itertools import chain
from threading import Thread

from hypothesis import given, settings
from hypothesis import strategies as st

from fetcher.command.work_pipe import Deals


def positions_of(taken):
    return [n for first, many in taken for n in range(first, first + many)]


@given(st.integers(0, 9_000), st.integers(1, 4))
def test_every_position_is_dealt_once_in_order(many, processes):
    deals = Deals(many, processes)
    more = deals.offer(many)
    deals.end()
    taken = list(deals.taken())
    deals.only_offer()

    assert not more
    assert positions_of(taken) == list(range(many))
    assert all(size <= 64 for _, size in taken)


@settings(max_examples=5)
@given(st.integers(1, 20_000), st.integers(2, 4))
def test_several_that_take_at_once_share_the_positions(many, processes):
    deals = Deals(many, processes)
    shares = [[] for _ in range(processes)]
    threads = [Thread(target=lambda s=s: s.extend(deals.taken())) for s in shares]
    for thread in threads:
        thread.start()
    while deals.offer(many):
        pass
    deals.end()
    for thread in threads:
        thread.join()
    deals.only_offer()

    assert sorted(positions_of(chain.from_iterable(shares))) == list(range(many))


def test_a_short_list_is_dealt_in_small_portions():
    """
    Else one process would still be busy when the others have nothing to do.
    """
    deals = Deals(100, 2)
    deals.offer(100)
    deals.end()
    taken = list(deals.taken())
    deals.only_offer()

    assert {many for _, many in taken} == {1}


def test_a_long_list_waits_until_there_is_room():
    deals = Deals(1_000_000, 2)
    more = deals.offer(None)
    taken = deals.taken()
    for _ in range(1_000):
        next(taken)

    assert more
    assert deals.offer(None)
    assert not deals.offer(1_000)
    deals.only_offer()
    assert not deals.offer(None), "there is nobody to take any"
    deals.end()
    deals.end()
