"""Batches: every download is passed on once, soon, whoever passes it on."""

import json
from threading import Event, current_thread, main_thread

import pytest
from tests.support.misbehaving_origin import WAIT_S

from fetcher.command import result_batch
from fetcher.command.result_batch import Batch
from fetcher.contract.download_results import Download
from fetcher.contract.outcome import Outcome
from fetcher.contract.source import Item


def add(to, number, outcome=Outcome.OK, size=3):
    to.add(0, Item(number, f"http://h/{number}"), Download(outcome, 200, size))


def add_and_wait(to, event):
    add(to, 1)
    event.wait(WAIT_S)


def never():
    raise AssertionError


def nothing(*_):
    pass


def a_moment(over):
    over.wait(0.01)


def test_what_ended_is_counted_and_reported():
    taken = []
    with Batch(taken.append, Event.wait, never) as some:
        add(some, 7)
        add(some, 5, Outcome.CUT)
        add(some, 6, Outcome.UNSTARTED)
        add(some, 4)
    (ended,) = taken

    assert ended.positions == (7, 5, 6, 4)
    assert ended.counts == {"ok": 2, "cut": 1, "unstarted": 1}
    assert ended.failed == {"h": 1}, "that was asked"
    assert {type(name) for name in ended.counts} == {str}, "it must be marshalled"
    assert ended.body_bytes == 6
    urls = [json.loads(line)["url"] for line in ended.lines.splitlines()]
    assert urls == [f"http://h/{number}" for number in ended.positions]


def test_many_are_passed_on_at_once():
    taken = []
    with Batch(taken.append, Event.wait, never) as some:
        for number in range(result_batch._BATCH_SIZE):
            add(some, number)

        assert sum(len(ended.positions) for ended in taken) == result_batch._BATCH_SIZE


def test_a_few_are_passed_on_soon_though_nothing_else_ends():
    """
    The last of them may be all that is known when the process is killed.
    """
    taken, came = [], Event()

    def take(ended):
        taken.append(ended)
        came.set()

    with Batch(take, a_moment, never) as some:
        add(some, 1)

        assert came.wait(WAIT_S)


def test_two_threads_pass_nothing_on_twice_and_forget_nothing():
    taken = []
    with Batch(taken.append, nothing, never) as some:  # without a moment's pause
        for number in range(20_000):
            add(some, number)

    positions = [position for ended in taken for position in ended.positions]
    assert positions == list(range(20_000))


@pytest.mark.parametrize("place", ["take", "pause"])
def test_what_fails_in_the_thread_stops_the_work_and_is_raised_at_the_end(place):
    stopped = Event()

    def fail(*_):
        raise OSError(28, "disk full")

    parts = {"take": nothing, "pause": a_moment, "stop": stopped.set} | {place: fail}
    some = Batch(**parts)
    with pytest.raises(OSError, match="disk full"), some:
        add_and_wait(some, stopped)

    assert stopped.is_set()


def test_pauses_are_made_in_another_thread_until_the_end():
    """
    The main one may be waiting for a socket.
    """
    threads = set()

    def pause(over):
        threads.add(current_thread())
        assert over.wait(WAIT_S), "nobody said that it is over"

    with Batch(nothing, pause, never):
        pass
    assert main_thread() not in threads


def test_failures_are_counted_by_host_whatever_the_scheme():
    taken = []
    with Batch(taken.append, a_moment, never) as some:
        for url in ("http://h/", "https://h/", "https://h:8443/"):
            some.add(0, Item(0, url), Download(Outcome.CUT))
    (ended,) = taken

    assert ended.failed == {"h": 2, "h:8443": 1}
