"""The loop: every URL ends in exactly one way, whatever happens on the way."""

from itertools import pairwise
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.virtual_time import Clock, Fate, simulate

from fetcher.contract.download_results import Download
from fetcher.contract.options import Options
from fetcher.contract.outcome import Outcome, can_heal
from fetcher.contract.source import Item
from fetcher.sinks.discard import Discard
from fetcher.transfer import scheduler as module
from fetcher.transfer.attempt import Attempt, Stage
from fetcher.transfer.flow import host_queues
from fetcher.transfer.flow.early_end import EarlyEnd
from fetcher.transfer.flow.retry_queue import was_silent
from fetcher.transfer.scheduler import Scheduler

OK = Download(Outcome.OK, 200)
CUT = Fate(0.0, Outcome.CUT, status=0)
FATES = st.sampled_from(
    [Fate(0.0, one, status=0) for one in Outcome if one is not Outcome.HTTP_STATUS]
    + [Fate(0.0, Outcome.HTTP_STATUS, status) for status in (404, 429, 503)]
    + [Fate(0.0, Outcome.HTTP_STATUS, 410, retry_after_s=1.0)]
)


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(module, "monotonic", clock)
    return clock


def one_url(*fates, **options):
    """Fetch a URL whose tries end like this, the last one for ever."""
    return simulate(
        ["http://h/"],
        lambda _url, tries, _now: fates[min(tries, len(fates)) - 1],
        **options,
    )


@given(FATES)
def test_only_what_can_heal_is_tried_again(fate):
    (one,) = one_url(fate, attempts=4).ended

    assert one.outcome is fate.outcome
    most = 2 if was_silent(one) else 4 if can_heal(*one[:2]) else 1
    refusals = {429: 6, 503: 6}.get(fate.status, 0)  # then its host is given up
    assert one.attempts == (refusals or most)


def test_a_url_that_heals_is_ok():
    (one,) = one_url(CUT, Fate(0.0)).ended

    assert (one.outcome, one.attempts) == (Outcome.OK, 2)


def test_waits_between_attempts_grow_and_differ():
    run = one_url(CUT, attempts=8)
    waits = [after - before for (_, before), (_, after) in pairwise(run.engine.tries)]
    longest = [min(0.5 * 2**n, 20.0) for n in range(7)]

    assert all(0 <= wait <= most for wait, most in zip(waits, longest, strict=True))
    assert len(set(waits)) == 7


def test_an_origin_s_wish_to_wait_is_obeyed_within_the_total_timeout():
    busy = Fate(0.0, Outcome.HTTP_STATUS, 503, retry_after_s=60.0)
    waits = one_url(busy, Fate(0.0), total_timeout_s=61.0)
    ends = one_url(busy, Fate(0.0), total_timeout_s=50.0)

    assert waits.outcomes() == [Outcome.OK]
    assert waits.ended[0].seconds >= 60
    assert (ends.ended[0].status, ends.ended[0].attempts) == (503, 1)
    assert ends.seconds == 0


def test_the_total_timeout_counts_from_the_first_try(clock):
    busy = Download(Outcome.HTTP_STATUS, 500, retry_after_s=20.0)
    job = Scheduler([Item(0, "http://h/")], Discard(), Options(), lambda *_: None)
    first = job.next()
    job.ended(first, busy)
    clock.now += 20
    second = job.next()

    assert second is first
    assert second.ends_at == 1_060
    assert (second.started_at, second.tries) == (1_000, 2)


def test_a_retry_that_is_due_goes_before_a_url_not_yet_tried(clock):
    urls = [Item(n, f"http://h/{n}") for n in range(3)]
    job = Scheduler(urls, Discard(), Options(), lambda *_: None)
    first = job.next()
    job.ended(first, Download(Outcome.CUT))
    meanwhile = job.next()
    clock.now += 1

    assert [one.position for one in (first, meanwhile, job.next())] == [0, 1, 0]


def test_a_retry_of_silence_goes_after_all_urls_not_yet_tried(clock):
    urls = [Item(n, f"http://h{n}/") for n in range(3)]
    job = Scheduler(urls, Discard(), Options(), lambda *_: None)
    first = job.next()
    job.ended(first, Download(Outcome.READ_TIMEOUT))
    clock.now += 1

    assert [job.next().position for _ in range(3)] == [1, 2, 0]


@pytest.mark.parametrize("failure", [Outcome.READ_TIMEOUT, Outcome.HTTP_STATUS])
def test_a_host_forgotten_before_a_retry_takes_no_more_than_others(
    clock, monkeypatch, failure
):
    """
    The retry would have had a second `Host`, and what waited would never have ended.
    """
    monkeypatch.setattr(host_queues, "_MAX_REMEMBERED", 1)
    ended = []
    paths = ("h/0", "other/", "h/1", "h/2", "h/3")
    urls = [Item(n, f"http://{path}") for n, path in enumerate(paths)]
    options = Options(per_host=1)
    job = Scheduler(urls, Discard(), options, lambda n, *_: ended.append(n))
    first = job.next()
    job.ended(first, Download(failure, 500))
    other, second, wait_s = job.next(), job.next(), job.next()
    clock.now += 1
    still_waits_s = job.next()
    for attempt in (other, second):
        job.ended(attempt, OK)
    while isinstance(attempt := job.next(), Attempt):
        job.ended(attempt, OK)

    assert (other.position, second.position) == (1, 2)
    assert isinstance(wait_s, float)
    assert isinstance(still_waits_s, float)
    assert sorted(ended) == list(range(5))


def test_a_dead_port_for_http_costs_no_file_of_the_same_name_over_https():
    schemes = ["http"] * 100 + ["https"] * 10
    urls = [f"{scheme}://h/{n}" for n, scheme in enumerate(schemes)]
    refused, fine = Fate(0.0, Outcome.CONNECT, status=0), Fate(0.0)

    def fate_of(url, *_):
        return fine if url.startswith("https") else refused

    run = simulate(urls, fate_of, connections=1)

    assert run.outcomes() == [Outcome.CONNECT] * 100 + [Outcome.OK] * 10


def test_a_pause_of_the_process_ends_no_file_that_had_begun_to_come(clock):
    """
    What engines judge by is the time before it, as what came since is not read yet.
    """
    over = []
    early_end = EarlyEnd(4, lambda: over.append(True))
    urls = [Item(0, "http://h/")]
    job = Scheduler(urls, Discard(), Options(), lambda *_: None, early_end=early_end)
    attempt, before = job.next(), clock.now
    job.next()
    attempt.stage, attempt.received = Stage.ASKED, 1_000
    job.judge(attempt, before + 4)
    job.judge(attempt, before + 5)
    clock.now += 100
    job.judge(attempt, before + 7)

    assert over == []
    job.judge(attempt, before + 9)
    assert over


def test_at_the_deadline_or_a_signal_a_url_says_how_far_it_had_come():
    ended = []
    urls = [Item(n, f"http://h/{n}") for n in range(4)]
    job = Scheduler(urls, Discard(), Options(), lambda *one: ended.append(one))
    job.ended(job.next(), Download(Outcome.CUT, detail="torn"))
    job.next()
    job.run(SimpleNamespace(run=lambda *_: None), 0.0)
    ended.sort()

    assert {one.outcome for *_, one in ended} == {Outcome.UNSTARTED}
    assert [(one.detail, one.attempts) for *_, one in ended] == [
        ("was to be tried again: torn", 1),
        ("interrupted", 1),
        ("", 0),
        ("", 0),
    ]


def test_the_source_is_read_only_as_fast_as_it_is_fetched():
    """
    A list of a hundred million URLs does not fit in memory.
    """
    taken = []
    items = (taken.append(n) or Item(n, "http://h/") for n in range(10**8))
    job = Scheduler(items, Discard(), Options(), lambda *_: None)
    job.next()

    assert taken == [0]
