"""The loop: every URL ends in exactly one way, whatever happens on the way."""

from itertools import chain, repeat

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.virtual_time import Clock

from fetcher.contract.download_results import Download
from fetcher.contract.options import Options
from fetcher.contract.outcome import Outcome, can_heal
from fetcher.contract.source import Item
from fetcher.sinks.discard import Discard
from fetcher.transfer import transfers as module
from fetcher.transfer.attempt import Attempt
from fetcher.transfer.flow.retries import was_silent
from fetcher.transfer.transfers import Transfers

ENDINGS = st.sampled_from(
    [Download(one) for one in Outcome if one is not Outcome.HTTP_STATUS]
    + [Download(Outcome.HTTP_STATUS, status) for status in (404, 429, 503)]
)
URLS = st.lists(st.sampled_from(["http://h/a", "ftp://h/b", "nonsense"]), max_size=30)


class Scripted:
    """An engine whose attempts end as a script says."""

    name = "scripted"

    def __init__(self, clock, endings, in_flight=1, most=10**9):
        self._clock = clock
        self._endings = iter(endings)
        self._in_flight = in_flight
        self._most = most
        self.waits = []

    def run(self, work, deadline_s):
        flying = []
        until = self._clock.now + deadline_s
        while self._clock.now < until and self._most:
            step = work.next()
            if isinstance(step, Attempt):
                flying.append(step)
                self._most -= 1
            is_more = isinstance(step, Attempt) and len(flying) < self._in_flight
            if flying and not is_more:  # whoever waits is waiting for one of them, too
                work.ended(flying.pop(0), next(self._endings))
            elif step is None:
                return
            elif isinstance(step, float):
                self.waits.append(step)
                self._clock.now += step

    def stop(self):
        pass


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(module, "monotonic", clock)
    return clock


def outcomes(urls, engine, deadline_s=1e9, **options):
    ended = []
    items = [Item(10 + n, url) for n, url in enumerate(urls)]
    job = Transfers(
        items,
        Discard(),
        Options(**options),
        lambda index, item, one: ended.append((index, item, one)),
    )
    job.run(engine, deadline_s)
    ended.sort()

    assert [(index, item) for index, item, _ in ended] == list(enumerate(items))
    return [one for _, _, one in ended]


@given(
    urls=URLS,
    endings=st.lists(ENDINGS, max_size=20),
    in_flight=st.integers(1, 5),
    most=st.integers(0, 60),
    attempts=st.integers(1, 4),
    deadline_s=st.sampled_from([0.0, 1.0, 1e9]),
)
def test_every_url_is_accounted_for_exactly_once_whatever_the_outcomes(
    urls, endings, in_flight, most, attempts, deadline_s
):
    with pytest.MonkeyPatch.context() as patch:
        clock = Clock()
        patch.setattr(module, "monotonic", clock)
        script = chain(endings, repeat(Download(Outcome.OK, 200)))
        engine = Scripted(clock, script, in_flight, most)
        ended = outcomes(urls, engine, deadline_s, attempts=attempts)

    assert len(ended) == len(urls)
    assert all(one.attempts <= attempts + 10 for one in ended)


@given(ENDINGS)
def test_only_what_can_heal_is_tried_again(ending):
    with pytest.MonkeyPatch.context() as patch:
        clock = Clock()
        patch.setattr(module, "monotonic", clock)
        (one,) = outcomes(["http://h/"], Scripted(clock, repeat(ending)), attempts=4)

    assert one.outcome is ending.outcome
    most = 2 if was_silent(ending) else 4 if can_heal(*ending[:2]) else 1
    refusals = {429: 6, 503: 6}.get(ending.status, 0)  # then its host is given up
    assert one.attempts == (refusals or most)


def test_a_url_that_heals_is_ok(clock):
    script = [Download(Outcome.CUT), Download(Outcome.OK, 200, 3)]
    (one,) = outcomes(["http://h/"], Scripted(clock, script))

    assert (one.outcome, one.attempts, one.body_bytes) == (Outcome.OK, 2, 3)


def test_waits_between_attempts_grow_and_differ(clock):
    engine = Scripted(clock, repeat(Download(Outcome.CUT)))
    outcomes(["http://h/"], engine, attempts=8)
    longest = [min(0.5 * 2**n, 20.0) for n in range(7)]

    assert len(engine.waits) == 7
    assert all(
        0 <= wait <= most for wait, most in zip(engine.waits, longest, strict=True)
    )
    assert len(set(engine.waits)) == 7


def test_an_origin_s_wish_to_wait_is_obeyed(clock):
    busy = Download(Outcome.HTTP_STATUS, 503, retry_after_s=60.0)
    engine = Scripted(clock, [busy, Download(Outcome.OK, 200)])
    (one,) = outcomes(["http://h/"], engine)

    assert one.outcome is Outcome.OK
    assert one.seconds >= 60


def test_a_wait_beyond_the_total_timeout_is_not_begun(clock):
    busy = Download(Outcome.HTTP_STATUS, 503, retry_after_s=60.0)
    engine = Scripted(clock, repeat(busy))
    (one,) = outcomes(["http://h/"], engine, total_timeout_s=50.0)

    assert (one.outcome, one.status, one.attempts) == (Outcome.HTTP_STATUS, 503, 1)
    assert engine.waits == []


def test_the_total_timeout_counts_from_the_first_try(clock):
    busy = Download(Outcome.HTTP_STATUS, 500, retry_after_s=20.0)
    job = Transfers([Item(0, "http://h/")], Discard(), Options(), lambda *_: None)
    first = job.next()
    job.ended(first, busy)
    clock.now += 20
    second = job.next()

    assert second is first
    assert second.ends_at == 1_060
    assert (second.started_at, second.tries) == (1_000, 2)


def test_a_retry_that_is_due_goes_before_a_url_not_yet_tried(clock):
    urls = [Item(n, f"http://h/{n}") for n in range(3)]
    job = Transfers(urls, Discard(), Options(), lambda *_: None)
    first = job.next()
    job.ended(first, Download(Outcome.CUT))
    meanwhile = job.next()
    clock.now += 1

    assert [one.position for one in (first, meanwhile, job.next())] == [0, 1, 0]


def test_a_retry_of_silence_goes_after_all_urls_not_yet_tried(clock):
    urls = [Item(n, f"http://h{n}/") for n in range(3)]
    job = Transfers(urls, Discard(), Options(), lambda *_: None)
    first = job.next()
    job.ended(first, Download(Outcome.READ_TIMEOUT))
    clock.now += 1

    assert [job.next().position for _ in range(3)] == [1, 2, 0]


def test_at_the_deadline_a_url_says_how_far_it_had_come(clock):
    engine = Scripted(clock, repeat(Download(Outcome.CUT, detail="torn")), most=2)
    ended = outcomes([f"http://h/{n}" for n in range(3)], engine, attempts=9)

    assert {one.outcome for one in ended} == {Outcome.UNSTARTED}
    assert [one.detail for one in ended] == [
        "was to be tried again: torn",
        "was to be tried again: torn",
        "",
    ]
    assert [one.attempts for one in ended] == [1, 1, 0]


def test_the_source_is_read_only_as_fast_as_it_is_fetched():
    """
    A list of a hundred million URLs does not fit in memory.
    """
    taken = []
    items = (taken.append(n) or Item(n, "http://h/") for n in range(10**8))
    job = Transfers(items, Discard(), Options(), lambda *_: None)
    job.next()

    assert taken == [0]
