"""Work shared with forked processes."""

import os
import signal
import time

import pytest
from tests.support.child_processes import alive
from tests.support.waiting import eventually

from fetcher.process.children import ChildError, Children

SOON_S = 30


def test_children_send_back_what_their_work_returned_in_the_order_of_their_start():
    with Children() as children:
        for size in (3_000_000, 1):
            children.fork(lambda size=size: b"x" * size)
        big, small = children.results(time.monotonic() + SOON_S)

    assert (len(big.data), small.data, big.error) == (3_000_000, b"x", "")
    assert big.peak_rss_bytes > 1_000_000
    assert big.cpu_s >= 0


def test_one_that_is_killed_costs_the_others_nothing():
    with Children() as children:
        children.fork(lambda: os.kill(os.getpid(), signal.SIGKILL))
        children.fork(lambda: b"done")
        killed, other = children.results(time.monotonic() + SOON_S)

    assert (killed.data, killed.error) == (None, "signal 9")
    assert other.data == b"done"


def test_a_mistake_in_a_child_is_raised_in_its_parent():
    with Children() as children:
        children.fork(lambda: bytes(1 // 0))

        with pytest.raises(ChildError, match="ZeroDivisionError"):
            children.results(time.monotonic() + SOON_S)


def test_none_outlives_its_time_or_its_parent():
    with Children() as children:
        children.fork(lambda: time.sleep(SOON_S))
        (late,) = children.results(time.monotonic() + 0.05)
    reader, writer = os.pipe()
    if not (parent := os.fork()):
        with Children() as children:
            children.fork(lambda: time.sleep(SOON_S))
            os.write(writer, str(next(iter(children._running.values())).pid).encode())
            os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(parent, 0)
    orphan = int(os.read(reader, 20))

    assert (late.data, late.error) == (None, "signal 9")
    eventually(lambda: not alive(orphan))
