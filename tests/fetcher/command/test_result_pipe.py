"""What one process tells another arrives whole or not at all."""

import os
from contextlib import contextmanager
from threading import Thread

from hypothesis import given
from hypothesis import strategies as st

from fetcher.command.result_batch import Ended
from fetcher.command.result_pipe import Messages, send

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
