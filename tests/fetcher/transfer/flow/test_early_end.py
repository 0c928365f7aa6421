"""Shards that end early, and what they tell of hosts and are told of them."""

import pytest
from tests.support.virtual_time import Fate, otherwise, simulate

from fetcher.contract.outcome import GONE, Outcome

OK = Fate(0.5, speaks_s=0.4)
MUTE = Fate()
REFUSED = Fate(0.001, Outcome.CONNECT, 0)
URLS = [f"http://h{number}.test/" for number in range(100)]


def mute_below(number):
    return otherwise(OK, dict.fromkeys(URLS[:number], MUTE))


def test_a_shard_ends_a_moment_after_its_last_word_and_hands_back_the_rest():
    """
    It was billed for 20 s of waiting, in which one execution can wait for all.
    """
    waits = simulate(URLS, mute_below(10), connections=20)
    ends = simulate(URLS, mute_below(10), connections=20, hands_back=True)

    assert waits.seconds > 10
    assert ends.seconds < 7
    assert ends.outcomes() == [Outcome.UNSTARTED] * 10 + [Outcome.OK] * 90
    assert {one.detail for one in ends.ended[:10]} == {
        "handed back: only unresponsive URLs were left"
    }


def test_it_waits_the_less_the_more_it_has_seen_of_silence():
    """
    Where half of those silent for a second speak in the next, that is waited for.
    """
    urls = [f"http://h{number}.test/" for number in range(400)]
    mute = dict.fromkeys(urls[150:180], MUTE)
    slow = dict.fromkeys(urls[:150], Fate(1.9, speaks_s=1.8))
    options = {"connections": 400, "hands_back": True}
    patient = simulate(urls, otherwise(OK, mute | slow), **options)
    quick = simulate(urls, otherwise(OK, mute), **options)

    assert patient.outcomes().count(Outcome.OK) == 370
    assert quick.outcomes().count(Outcome.OK) == 370
    assert (round(patient.seconds), round(quick.seconds)) == (4, 2)


@pytest.mark.parametrize(
    ("speaks_s", "outcome"), [(1.4, Outcome.OK), (0.5, Outcome.UNSTARTED)]
)
def test_a_file_that_pauses_is_waited_for_as_long_as_it_came(speaks_s, outcome):
    """
    Waiting 10 s costs more than refetching what arrived in half a second.
    """
    fates = dict.fromkeys(URLS[:22], MUTE)
    fates[URLS[99]] = Fate(2.7, speaks_s=speaks_s, bytes_per_s=1.0)
    run = simulate(URLS, otherwise(OK, fates), connections=100, hands_back=True)

    assert run.ended[99].outcome == outcome
    assert run.outcomes()[:22] == [Outcome.UNSTARTED] * 22


def test_a_host_said_to_be_gone_that_nobody_asked_is_not_heard_of():
    run = simulate(URLS, lambda *_: OK, 0.2, gone=["h0.test"], connections=20)

    assert run.ended[0].attempts == 0
    assert run.heard == set()


def test_where_much_is_silent_a_shard_waits_as_ever():
    """
    The network may be down for a while: to send all back would not mend it.
    """
    run = simulate(URLS, mute_below(60), connections=60, hands_back=True)

    assert run.seconds > 10
    assert run.outcomes().count(Outcome.READ_TIMEOUT) >= 60 - 25


def test_a_host_that_asks_to_wait_is_not_silent():
    def fate_of(url, tries, _now):
        limited = url == URLS[0] and tries == 1
        return Fate(0.1, Outcome.HTTP_STATUS, 429, retry_after_s=4) if limited else OK

    run = simulate(URLS, fate_of, hands_back=True)

    assert set(run.outcomes()) == {Outcome.OK}
    assert run.seconds > 4


def test_what_is_learnt_of_hosts_is_told():
    """
    Two silences, wherever, are as good as one refused connection.
    """
    fates = {URLS[0]: REFUSED, URLS[1]: Fate(0.001, Outcome.DNS, 0), URLS[2]: MUTE}
    silent_twice = simulate(URLS, otherwise(OK, fates))
    fates[URLS[3]] = Fate(0.5, Outcome.READ_TIMEOUT, 0)
    silent_once = simulate(URLS, otherwise(OK, fates), attempts=1)
    names = [url.removeprefix("http://").strip("/") for url in URLS]

    assert silent_twice.silences == dict.fromkeys(names[:3], GONE)
    assert silent_once.silences == {
        **dict.fromkeys(names[:2], GONE),
        **dict.fromkeys(names[2:4], 1),
    }


@pytest.mark.parametrize(
    ("fate", "outcome", "at_most_s"),
    [
        (REFUSED, Outcome.CONNECT, 1.5),
        (MUTE, Outcome.READ_TIMEOUT, 5),
        (OK, Outcome.OK, 2),
    ],
)
def test_a_host_said_to_be_gone_has_one_cheap_try_at_the_end(fate, outcome, at_most_s):
    fates = otherwise(OK, {URLS[0]: fate})
    run = simulate(URLS, fates, gone=["h0.test"], connections=100)
    tries = [at for position, at in run.engine.tries if position == 0]

    assert run.ended[0].outcome == outcome
    assert len(tries) == 1
    assert tries[0] == max(at for _, at in run.engine.tries)
    assert run.seconds < at_most_s
    assert ("h0.test" in run.silences) is (outcome is not Outcome.OK)
    assert run.heard == ({"h0.test"} if outcome is Outcome.OK else set())


def test_a_dead_host_with_all_urls_costs_a_shard_that_knows_it_next_to_nothing():
    """
    Each of 56 shards on a dead port rested for half a minute.
    """
    urls = [f"http://h.test/{number}" for number in range(1_000)]
    knows_not = simulate(urls, lambda *_: REFUSED)
    knows = simulate(urls, lambda *_: REFUSED, gone=["h.test"])

    assert knows_not.seconds > 10
    assert knows.seconds < 1.5
    assert knows.outcomes() == [Outcome.CONNECT] * 1_000
    assert len(knows.engine.tries) < 50
