"""How hard one host is asked."""

import math
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fetcher.contract.download_results import Download
from fetcher.contract.options import Options
from fetcher.contract.outcome import Outcome
from fetcher.contract.source import Item
from fetcher.transfer.attempt import Attempt
from fetcher.transfer.flow import host_queues as module
from fetcher.transfer.flow.download_slots import DownloadSlots
from fetcher.transfer.flow.host_queues import Hosts

OK = Download(Outcome.OK, 200)
REFUSED = Download(Outcome.CONNECT, detail="connection refused")


def hosts_of(**options):
    return Hosts(Options(**options), DownloadSlots(10, 80))


def host_of(**options):
    """Make a host of its own set of limits."""
    return hosts_of(**options).named("h", 0.0)


def test_so_many_downloads_at_one_host_and_no_more():
    host = host_of(per_host=2)
    host.start(0.0)
    one = host.free_at()
    host.start(0.0)
    full = host.free_at()
    host.ended(OK, 1.0)

    assert (one, full, host.free_at()) == (0.0, math.inf, 0.0)


def test_requests_are_begun_at_the_rate_given_and_pauses_are_not_saved_up():
    host = host_of(host_rate=4.0)
    begun = []
    for _ in range(8):
        begun.append(host.free_at())
        host.start(begun[-1])
    host.start(100.0)

    assert begun == [n * 0.25 for n in range(8)]
    assert host.free_at() == 100.25


def failing(host, now, times):
    for _ in range(times):
        host.start(now)
        host.ended(REFUSED, now)


def test_a_dead_host_rests_then_is_asked_by_few_at_a_time():
    host = host_of()
    failing(host, 0.0, 1)
    rests = []
    for _ in range(5):
        now = host.free_at()
        rests.append(now)
        for _ in range(16):
            host.start(now)
        full = host.free_at()
        for _ in range(16):
            host.ended(REFUSED, now)
        assert full == math.inf

    assert rests == [0.5, 1.5, 3.5, 7.5, 15.5]
    assert host.is_given_up


def test_an_answer_however_bad_shows_that_the_host_is_there():
    host = host_of()
    failing(host, 0.0, 3)
    dead = host.is_dead
    host.start(9.0)
    host.ended(Download(Outcome.HTTP_STATUS, 404), 9.0)

    assert (dead, host.is_dead, host.free_at()) == (True, False, 0.0)


@pytest.mark.parametrize("status", [0, 200])
def test_time_that_is_up_is_an_answer_only_if_one_had_begun(status):
    host = host_of()
    for now in (60.0, 120.0):
        host.start(now)
        host.ended(Download(Outcome.TOTAL_TIMEOUT, status), now)

    assert (host.is_dead, host.has_answered) == (not status, bool(status))


def test_what_waits_is_released_in_order_when_the_host_can_take_it():
    hosts = hosts_of(per_host=1)
    host = hosts.named("h", 0.0)
    host.start(0.0)
    attempts = [Attempt(n, Item(n, f"http://h/{n}"), host) for n in range(3)]
    for attempt in attempts:
        hosts.hold(attempt)
    nothing = hosts.release(1.0)
    host.ended(OK, 2.0)
    host.start(2.0)
    hosts.ended(attempts[0], OK, 2.0)

    assert nothing is None
    assert hosts.release(2.0) is attempts[0]
    assert hosts.waiting == 2


def test_hosts_with_nothing_to_remember_are_forgotten(monkeypatch):
    """
    A list of a hundred million URLs may name as many hosts.
    """
    monkeypatch.setattr(module, "_MAX_REMEMBERED", 10)
    hosts = hosts_of()
    failing(hosts.named("bad", 0.0), 0.0, 3)
    for n in range(1_000):
        hosts.named(f"h{n}", 0.0)

    assert len(hosts._hosts) <= 11
    assert "bad" in hosts._hosts


@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.booleans()), max_size=200),
    st.integers(1, 3),
)
def test_nothing_that_waits_is_lost_or_released_twice(events, per_host):
    hosts = hosts_of(per_host=per_host)
    numbers, waiting, flying = count(), set(), {}
    for now, (name, is_arrival) in enumerate(events):
        if is_arrival:
            number = next(numbers)
            host = hosts.named(name, now)
            hosts.hold(Attempt(number, Item(number, f"http://{name}/"), host))
            waiting.add(number)
        elif flying:
            number = min(flying)
            hosts.ended(flying.pop(number), OK, now)
        while attempt := hosts.release(now):
            waiting.remove(attempt.position)
            attempt.host.start(now)
            flying[attempt.position] = attempt
            at_host = sum(one.host is attempt.host for one in flying.values())
            assert at_host <= per_host
    while flying:
        hosts.ended(flying.pop(min(flying)), OK, 1e9)
        while attempt := hosts.release(1e9):
            waiting.remove(attempt.position)
            attempt.host.start(1e9)
            flying[attempt.position] = attempt

    assert not waiting
    assert hosts.waiting == 0
