"""Connections count downloads at work: silence holds up nobody, and loses nobody."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.virtual_time import Fate, otherwise, simulate

from fetcher.contract.download_results import Download
from fetcher.contract.outcome import Outcome
from fetcher.transfer.attempt import Stage
from fetcher.transfer.flow.download_slots import DownloadSlots

QUICK = Fate(0.5, speaks_s=0.3)


def urls(many, fate="quick"):
    return [f"http://{fate}-{number}/" for number in range(many)]


def by_name(**fates):
    return lambda url, *_: fates[url.split("/")[2].partition("-")[0]]


def test_silent_downloads_give_their_places_to_others():
    """
    They come first in the list, and there are twice as many as connections.
    """
    run = simulate(
        urls(20, "mute") + urls(200), by_name(mute=Fate(), quick=QUICK), connections=10
    )

    assert run.outcomes() == [Outcome.READ_TIMEOUT] * 20 + [Outcome.OK] * 200
    assert max(run.times[n] for n in range(20, 220)) < 2 * 1.3 + 20 * 0.7
    assert run.engine.most_open <= 80


def test_a_download_that_speaks_again_takes_its_place_again():
    late = Fate(9.0, speaks_s=4.0, bytes_per_s=10_000)
    run = simulate(
        urls(10, "late") + urls(500), by_name(late=late, quick=QUICK), connections=10
    )
    begun = [now - 1_000 for position, now in run.engine.tries if position >= 10]

    assert set(run.outcomes()) == {Outcome.OK}
    assert not [now for now in begun if now < 1.0 or 4.6 < now < 8.9]


def test_urls_that_fail_for_good_do_not_shrink_the_connections():
    """
    Their retries fail, too: they are no sign of too many connections.
    """

    def fate_of(url, *_):
        is_bad = int(url.rpartition("-")[2].rstrip("/")) * 37 % 100 < 20
        return Fate(0.1, Outcome.HTTP_STATUS, 500) if is_bad else Fate(0.1)

    on_one_host = [f"http://h/-{number}/" for number in range(1_500)]
    found = simulate(on_one_host, fate_of)
    fixed = simulate(on_one_host, fate_of, connections=400)

    assert found.seconds < 4 * fixed.seconds


def test_places_for_the_silent_do_not_count_as_connections_that_are_short():
    """
    More connections would not let one more start: their number stays untested.
    """
    slots = DownloadSlots(0, 448)
    slots.open, slots.silent = 448, 400

    assert slots.is_full()
    for _ in range(100):
        slots.learn(Download(Outcome.OK, 200), 0.0, 0.1, has_answered=True)
    assert slots.connections == 64


def test_a_drip_is_silence():
    drip = Fate(speaks_s=0.1, bytes_per_s=1.0)
    run = simulate(
        urls(10, "drip") + urls(10), by_name(drip=drip, quick=QUICK), connections=10
    )

    assert run.outcomes() == [Outcome.READ_TIMEOUT] * 10 + [Outcome.OK] * 10
    assert run.times[10] < 3


def test_a_silence_is_tried_twice_and_after_all_others():
    run = simulate(
        urls(5, "mute") + urls(300),
        by_name(mute=Fate(), quick=QUICK),
        connections=5,
        attempts=3,
    )
    positions = [position for position, _ in run.engine.tries]

    assert sorted(positions[-5:]) == [0, 1, 2, 3, 4]
    assert {one.attempts for one in run.ended[:5]} == {2}


@pytest.mark.parametrize(("status", "most"), [(500, 3), (503, 3 + 2), (429, 3 + 10)])
def test_a_url_that_always_fails_is_tried_only_so_often_however_long_it_may_take(
    status, most
):
    bad = {"http://h/bad": Fate(0.1, Outcome.HTTP_STATUS, status)}
    good = [f"http://h/{number}" for number in range(30)]
    run = simulate([*bad, *good], otherwise(QUICK, bad), total_timeout_s=1e5)

    assert 3 <= run.ended[0].attempts <= most
    assert set(run.outcomes()[1:]) == {Outcome.OK}


@pytest.mark.parametrize(
    ("fate", "outcome", "most_s"),
    [
        (Fate(stage=Stage.LOOKING_UP), Outcome.DNS, 12),
        (Fate(stage=Stage.CONNECTING), Outcome.CONNECT_TIMEOUT, 12),
        (Fate(stage=Stage.ASKED), Outcome.READ_TIMEOUT, 12),
        (Fate(speaks_s=0.5, bytes_per_s=9.0), Outcome.READ_TIMEOUT, 12),
        # A body without end, as of a radio.
        (Fate(speaks_s=0.5, bytes_per_s=16_000), Outcome.TOTAL_TIMEOUT, 301),
        # A large file on a slow line.
        (Fate(3e3, speaks_s=0.5, bytes_per_s=2e3, is_promised=True), Outcome.OK, 3_001),
        # What waits for a thread to look its host up is not timed.
        (Fate(30.0, stage=Stage.QUEUED), Outcome.OK, 31),
    ],
)
def test_what_waited_in_vain_says_for_what_and_what_gets_on_has_its_time(
    fate, outcome, most_s
):
    run = simulate(["http://h/"], lambda *_: fate, attempts=1)
    (one,) = run.ended

    assert one.outcome is outcome
    assert run.seconds < most_s
    assert one.detail == "not done within 300 s" or most_s != 301


FATES = [
    *(Fate(0.1, one, status=0) for one in Outcome if one is not Outcome.HTTP_STATUS),
    QUICK,
    Fate(),
    Fate(30.0, speaks_s=2.0, bytes_per_s=1e6),
    Fate(speaks_s=0.5, bytes_per_s=1.0),
    Fate(speaks_s=0.5, bytes_per_s=1e6),
    Fate(5.0, stage=Stage.QUEUED),
    Fate(stage=Stage.LOOKING_UP),
    Fate(stage=Stage.CONNECTING),
    Fate(0.1, Outcome.HTTP_STATUS, 404),
    Fate(0.1, Outcome.HTTP_STATUS, 429),
    Fate(0.1, Outcome.HTTP_STATUS, 503, retry_after_s=2.0),
    Fate(0.1, Outcome.HTTP_STATUS, 503, retry_after_s=1e4),
]


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.lists(st.sampled_from(FATES), min_size=1, max_size=4), max_size=40),
    st.integers(1, 4),
    st.integers(1, 3),
    st.sampled_from([0.0, 1.0, 1e5]),
)
def test_every_url_ends_once_in_time_and_never_more_are_open_than_may_be(
    lists, connections, hosts, deadline_s
):
    """
    No URL starves, either: without a deadline, each is tried. `simulate` itself looks
    whether each ends once.
    """
    wanted = [f"http://h{n % hosts}/{n}" for n in range(len(lists))]
    by_url = dict(zip(wanted, lists, strict=True))
    run = simulate(
        [*wanted, "ftp://h/", "nonsense"],
        lambda url, tries, _: by_url[url][(tries - 1) % len(by_url[url])],
        deadline_s=deadline_s,
        connections=connections,
        total_timeout_s=60.0,
    )

    unstarted = Fate(0.1, Outcome.UNSTARTED, status=0)
    assert run.outcomes()[-2:] == [Outcome.BAD_URL] * 2 or deadline_s < 1e5
    for fates, outcome in zip(lists, run.outcomes(), strict=False):
        assert outcome != Outcome.UNSTARTED or unstarted in fates or deadline_s < 1e5
    assert run.engine.most_open <= 8 * connections


def test_names_that_take_long_to_be_unknown_hold_up_nobody():
    """
    A look-up takes no connection, so it is not counted as one for long.
    """
    unknown = Fate(4.0, Outcome.DNS, status=0, stage=Stage.LOOKING_UP)
    run = simulate(urls(480), lambda *_: unknown, attempts=1)

    assert set(run.outcomes()) == {Outcome.DNS}
    assert run.seconds < 4.0 + 480 / 64 / 2
