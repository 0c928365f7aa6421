"""Hosts that ask for patience, and hosts that are gone."""

import math
from collections import Counter

import pytest
from tests.support.virtual_time import Fate, otherwise, simulate

from fetcher.contract.outcome import Outcome

OK = Fate(0.05, speaks_s=0.02)
GONE = Fate(0.01, Outcome.CONNECT, status=0)


def bucket(per_s):
    """Take so many a second, and as many at once after a pause."""
    left, at = per_s, 0.0

    def takes(now):
        nonlocal left, at
        left, at = min(per_s, left + per_s * (now - at)), now
        if left < 1:
            return False
        left -= 1
        return True

    return takes


def sliding(per_s):
    """Take so many in any second."""
    taken = []

    def takes(now):
        taken[:] = [then for then in taken if then > now - 1]
        return len(taken) < per_s and not taken.append(now)

    return takes


def window(per_s):
    """Take so many from one full second to the next."""
    taken = Counter()

    def takes(now):
        taken[math.floor(now)] += 1
        return taken[math.floor(now)] <= per_s

    return takes


def limited(takes, status=429, wait_s=1.0):
    """Answer as a host does that takes no more: told at once."""
    no = Fate(0.02, Outcome.HTTP_STATUS, status, speaks_s=0.02, retry_after_s=wait_s)
    return lambda _url, _tries, now: OK if takes(now) else no


@pytest.mark.parametrize("connections", [100, 0])
@pytest.mark.parametrize("wait_s", [1.0, 0.0])
@pytest.mark.parametrize("limit", [bucket, sliding, window])
def test_a_limited_host_gives_all_its_files_nearly_as_fast_as_it_may(
    limit, wait_s, connections
):
    """
    60 files at 5 a second take 12 s; none costs an attempt, and few ask in vain.
    """
    urls = [f"http://h/{n}" for n in range(60)]
    fates = limited(limit(5), wait_s=wait_s)
    run = simulate(urls, fates, connections=connections)

    assert set(run.outcomes()) == {Outcome.OK}
    assert run.seconds < (15 if wait_s else 25)
    assert len(run.engine.tries) < 60 + 60 + 30


def test_a_host_that_slowed_down_by_accident_is_soon_as_fast_as_before():
    """
    One 503 among 1,000 files, at a host that would give 400 a second.
    """
    urls = [f"http://h/{n}" for n in range(1_000)]
    busy = Fate(0.02, Outcome.HTTP_STATUS, 503, speaks_s=0.02)
    run = simulate(
        urls,
        lambda url, tries, _: busy if (url, tries) == ("http://h/200", 1) else OK,
        connections=20,
    )

    assert set(run.outcomes()) == {Outcome.OK}
    assert run.seconds < 2 * 1_000 / 400 + 1


@pytest.mark.parametrize("connections", [1, 2, 9])
def test_a_host_that_refuses_each_url_at_first_is_not_slowed_down_to_a_crawl(
    connections,
):
    """
    Nor given up, though it answers no URL before it is asked for one again.
    """
    busy = Fate(0.02, Outcome.HTTP_STATUS, 503, speaks_s=0.02)
    urls = [f"http://h/{n}" for n in range(10)]
    run = simulate(
        urls, lambda _url, tries, _: OK if tries > 1 else busy, connections=connections
    )

    assert set(run.outcomes()) == {Outcome.OK}
    assert run.seconds < 10


def test_other_hosts_do_not_wait_for_a_limited_one():
    at_limit = limited(sliding(5))
    urls = [f"http://limited/{n}" for n in range(60)]
    urls += [f"http://h{n}/" for n in range(200)]
    run = simulate(
        urls, lambda *one: at_limit(*one) if "limited" in one[0] else OK, connections=20
    )

    assert set(run.outcomes()) == {Outcome.OK}
    assert max(run.times[n] for n in range(60, 260)) < 2


@pytest.mark.parametrize(
    ("status", "wait_s", "most_s"), [(429, 0.0, 32), (503, 0.0, 32), (429, 3_600.0, 1)]
)
def test_a_host_that_always_refuses_is_given_up(status, wait_s, most_s):
    """
    So it is at once if it asks for an hour: its other URLs are not even tried.
    """
    urls = [f"http://h/{n}" for n in range(300)]
    fate = limited(lambda _: False, status, wait_s)
    run = simulate(urls, fate, connections=10)

    assert set(run.outcomes()) == {"http_status"}
    assert {one.status for one in run.ended} == {status}
    assert run.seconds < most_s
    untried = [one for one in run.ended if not one.attempts]
    assert len(untried) > 200
    assert all(one.detail.startswith("not tried: the host") for one in untried)
    assert len(run.engine.tries) < 100


@pytest.mark.parametrize(
    ("many", "every", "status", "wait_s", "most_s"),
    [
        (500, 500, 503, 0.0, 10),  # one URL alone
        (5_000, 500, 429, 0.0, math.inf),
        (5_000, 500, 503, 0.0, math.inf),
        (5_000, 100, 503, 0.0, 60),  # a share of them; nor is it slowed down
        (2_000, 5_000, 503, 3_600.0, 300),  # nobody waits for the hour asked for
    ],
)
def test_urls_that_a_host_refuses_for_ever_cost_it_no_other(
    many, every, status, wait_s, most_s
):
    no = Fate(0.02, Outcome.HTTP_STATUS, status, speaks_s=0.02, retry_after_s=wait_s)
    bad = range(7, many, every)
    urls = [f"http://h/{n}" for n in range(many)]
    fates = dict.fromkeys((urls[n] for n in bad), no)
    run = simulate(urls, otherwise(OK, fates), connections=20)

    assert run.outcomes().count(Outcome.OK) == many - len(bad)
    assert run.ended[7].attempts <= (2 + 3 if status == 503 else 10 + 3)
    assert run.seconds < most_s


def test_what_waits_at_dead_hosts_has_one_try_when_all_else_is_done():
    """
    A host that refuses, or has no address, is known at once; a silent one by its second
    silence.
    """
    fates = {
        "gone": GONE,
        "nameless": Fate(0.01, Outcome.DNS, status=0),
        "mute": Fate(),
    }
    urls = [f"http://{name}/{n}" for n in range(4) for name in fates]
    urls += [f"http://h{n}/" for n in range(2_000)]
    run = simulate(
        urls, lambda url, *_: fates.get(url.split("/")[2], OK), connections=1
    )
    tries = Counter(position for position, _ in run.engine.tries)
    order = [position for position, _ in run.engine.tries]
    last_good = max(at for at, position in enumerate(order) if position >= 12)

    assert run.outcomes()[:3] == ["connect", "dns", "read_timeout"]
    assert run.outcomes().count(Outcome.OK) == 2_000
    assert max(tries.values()) == 2
    assert all(order.index(position) > last_good for position in (3, 4, 6, 7, 9, 10))
    assert run.seconds < run.times[2_011] + 16


@pytest.mark.parametrize("outcome", [Outcome.CONNECT, Outcome.CUT])
def test_a_dead_host_with_many_urls_is_given_up_after_a_few(outcome):
    """
    Hammering it helps neither side.
    """
    gone = Fate(0.01, outcome, status=0)
    urls = [f"http://h/{n}" for n in range(3_000)]
    run = simulate(urls, lambda *_: gone, connections=10)
    untried = [one for one in run.ended if not one.attempts]

    assert set(run.outcomes()) == {outcome}
    assert len(run.engine.tries) < 120
    assert run.seconds < 20
    assert all("not tried: the host" in one.detail for one in untried)


def test_a_host_that_comes_back_is_asked_for_all_it_has():
    """
    An origin that is restarted is not there for some seconds.
    """
    back_at = 1_006.0
    run = simulate(
        [f"http://h/{n}" for n in range(3_000)],
        lambda _url, _tries, now: OK if now > back_at else GONE,
        connections=10,
    )

    assert run.outcomes().count(Outcome.OK) > 2_970


def test_two_silences_of_a_slow_host_do_not_cost_its_other_urls():
    urls = [f"http://h/{n}" for n in range(40)]
    fates = dict.fromkeys(urls[:2], Fate())
    run = simulate(urls, otherwise(OK, fates), connections=2)

    assert run.outcomes() == [Outcome.READ_TIMEOUT] * 2 + [Outcome.OK] * 38
