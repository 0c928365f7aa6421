"""Connections count downloads at work: silence holds up nobody, and loses nobody."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.virtual_time import Fate, simulate

from fetcher.contract.download_results import Download
from fetcher.contract.outcome import Outcome
from fetcher.transfer.attempt import Stage
from fetcher.transfer.flow.places import Places

QUICK = Fate(0.5, speaks_s=0.3)


def urls(many, fate="quick"):
    return [f"http://{fate}-{number}/" for number in range(many)]


def by_name(**fates):
    return lambda url, *_: fates[url.split("/")[2].partition("-")[0]]


def test_silent_downloads_give_their_places_to_others(monkeypatch):
    """
    They come first in the list, and there are twice as many as connections.
    """
    run = simulate(
        monkeypatch,
        urls(20, "mute") + urls(200),
        by_name(mute=Fate(), quick=QUICK),
        connections=10,
    )

    assert run.outcomes() == [Outcome.READ_TIMEOUT] * 20 + [Outcome.OK] * 200
    assert max(run.times[n] for n in range(20, 220)) < 2 * 1.3 + 20 * 0.7
    assert run.engine.most_open <= 80


def test_a_download_that_speaks_again_takes_its_place_again(monkeypatch):
    late = Fate(9.0, speaks_s=4.0, bytes_per_s=10_000)
    run = simulate(
        monkeypatch,
        urls(10, "late") + urls(500),
        by_name(late=late, quick=QUICK),
        connections=10,
    )
    begun = [now - 1_000 for position, now in run.engine.tries if position >= 10]

    assert set(run.outcomes()) == {Outcome.OK}
    assert not [now for now in begun if now < 1.0 or 4.6 < now < 8.9]


def test_urls_that_fail_for_good_do_not_shrink_the_connections(monkeypatch):
    """
    Their retries fail, too: they are no sign of too many connections.
    """

    def fate_of(url, *_):
        is_bad = int(url.rpartition("-")[2].rstrip("/")) * 37 % 100 < 20
        return Fate(0.1, Outcome.HTTP_STATUS, 500) if is_bad else Fate(0.1)

    on_one_host = [f"http://h/-{number}/" for number in range(1_500)]
    found = simulate(monkeypatch, on_one_host, fate_of)
    fixed = simulate(monkeypatch, on_one_host, fate_of, connections=400)

    assert found.seconds < 4 * fixed.seconds


def test_places_for_the_silent_do_not_count_as_connections_that_are_short():
    """
    More connections would not let one more start: their number stays untested.
    """
    places = Places(0, 448)
    places.open, places.silent = 448, 400

    assert places.is_full()
    for _ in range(100):
        places.learn(Download(Outcome.OK, 200), 0.0, 0.1, has_answered=True)
    assert places.connections == 64


def test_a_drip_is_silence(monkeypatch):
    drip = Fate(speaks_s=0.1, bytes_per_s=1.0)
    run = simulate(
        monkeypatch,
        urls(10, "drip") + urls(10),
        by_name(drip=drip, quick=QUICK),
        connections=10,
    )

    assert run.outcomes() == [Outcome.READ_TIMEOUT] * 10 + [Outcome.OK] * 10
    assert run.times[10] < 3


def test_a_silence_is_tried_twice_and_after_all_others(monkeypatch):
    run = simulate(
        monkeypatch,
        urls(5, "mute") + urls(300),
        by_name(mute=Fate(), quick=QUICK),
        connections=5,
        attempts=3,
    )
    positions = [position for position, _ in run.engine.tries]

    assert sorted(positions[-5:]) == [0, 1, 2, 3, 4]
    assert {one.attempts for one in run.ended[:5]} == {2}


@pytest.mark.parametrize(
    ("fate", "outcome"),
    [
        (Fate(stage=Stage.LOOKING_UP), Outcome.DNS),
        (Fate(stage=Stage.CONNECTING), Outcome.CONNECT_TIMEOUT),
        (Fate(stage=Stage.ASKED), Outcome.READ_TIMEOUT),
        (Fate(speaks_s=0.5, bytes_per_s=9.0), Outcome.READ_TIMEOUT),
    ],
)
def test_what_waited_in_vain_says_for_what(monkeypatch, fate, outcome):
    run = simulate(monkeypatch, ["http://h/"], lambda *_: fate, attempts=1)

    assert run.outcomes() == [outcome]
    assert run.seconds < 12


def test_a_large_file_on_a_slow_line_has_the_time_it_takes(monkeypatch):
    slow = Fate(3_000.0, speaks_s=0.5, bytes_per_s=2_000, is_promised=True)
    run = simulate(monkeypatch, ["http://h/"], lambda *_: slow)

    assert run.outcomes() == [Outcome.OK]


def test_a_body_without_end_has_not(monkeypatch):
    radio = Fate(speaks_s=0.5, bytes_per_s=16_000)
    run = simulate(monkeypatch, ["http://h/"], lambda *_: radio)

    assert run.outcomes() == [Outcome.TOTAL_TIMEOUT]
    assert run.ended[0].detail == "not done within 300 s"
    assert run.seconds < 301


def test_what_waits_for_a_thread_to_look_its_host_up_is_not_timed(monkeypatch):
    late = Fate(30.0, stage=Stage.QUEUED)
    run = simulate(monkeypatch, ["http://h/"], lambda *_: late)

    assert run.outcomes() == [Outcome.OK]


FATES = [
    QUICK,
    Fate(),
    Fate(30.0, speaks_s=2.0, bytes_per_s=1e6),
    Fate(speaks_s=0.5, bytes_per_s=1.0),
    Fate(speaks_s=0.5, bytes_per_s=1e6),
    Fate(5.0, stage=Stage.QUEUED),
    Fate(stage=Stage.LOOKING_UP),
    Fate(stage=Stage.CONNECTING),
    Fate(0.1, Outcome.CONNECT, status=0),
    Fate(0.1, Outcome.DNS, status=0),
    Fate(0.1, Outcome.CUT, status=0),
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
)
def test_every_url_ends_once_in_time_and_never_more_are_open_than_may_be(
    lists, connections, hosts
):
    """
    No URL starves, either: without a deadline, each is tried.
    """
    wanted = [f"http://h{n % hosts}/{n}" for n in range(len(lists))]
    by_url = dict(zip(wanted, lists, strict=True))
    with pytest.MonkeyPatch.context() as patch:
        run = simulate(
            patch,
            wanted,
            lambda url, tries, _: by_url[url][(tries - 1) % len(by_url[url])],
            deadline_s=1e5,
            connections=connections,
            total_timeout_s=60.0,
        )

    assert Outcome.UNSTARTED not in run.outcomes()
    assert run.engine.most_open <= 8 * connections


def test_names_that_take_long_to_be_unknown_hold_up_nobody(monkeypatch):
    """
    A look-up takes no connection, so it is not counted as one for long.
    """
    unknown = Fate(4.0, Outcome.DNS, status=0, stage=Stage.LOOKING_UP)
    run = simulate(monkeypatch, urls(480), lambda *_: unknown, attempts=1)

    assert set(run.outcomes()) == {Outcome.DNS}
    assert run.seconds < 4.0 + 480 / 64 / 2
