"""Pipes: each position goes to one who takes it, and messages arrive whole or not."""

import os
from contextlib import contextmanager
from itertools import chain
from threading import Thread

from hypothesis import given, settings
from hypothesis import strategies as st

from fetcher.command.message_pipe import Messages, send
from fetcher.command.result_batch import Ended
from fetcher.command.work_queue import Deals


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


ENDED = st.builds(
    Ended,
    st.lists(st.integers(0, 2**40), max_size=3).map(tuple),
    st.dictionaries(st.sampled_from(["ok", "cut"]), st.integers(1, 9)),
    st.integers(0, 2**50),
    st.text(max_size=9) | st.just("x" * 200_000),
)
SENT = st.lists(ENDED | st.text(), max_size=4)


@contextmanager
def pipe():
    read, write = os.pipe()
    with os.fdopen(read, "rb", 0) as ours, os.fdopen(write, "wb", 0) as theirs:
        yield ours, theirs


def all_from(file):
    messages, received = Messages(file.fileno()), []
    while not messages.ended:
        received += messages.receive()
    return received


@given(SENT)
def test_messages_arrive_as_they_were_sent(sent):
    def write():
        for message in sent:
            send(theirs.fileno(), message)
        theirs.close()

    with pipe() as (ours, theirs):
        writer = Thread(target=write)
        writer.start()
        received = all_from(ours)
        writer.join()

    assert received == sent
    assert [type(one) for one in received] == [type(one) for one in sent]


@given(st.lists(st.text(max_size=9), min_size=1, max_size=4), st.integers(1, 60))
def test_a_message_whose_sender_died_in_the_middle_is_not_given(sent, cut):
    with pipe() as (ours, theirs):
        for message in sent:
            send(theirs.fileno(), message)
        data = os.read(ours.fileno(), 1 << 16)
        theirs.write(data[:-cut])
        theirs.close()
        received = all_from(ours)

    assert received == sent[: len(received)]
    assert len(received) < len(sent)
