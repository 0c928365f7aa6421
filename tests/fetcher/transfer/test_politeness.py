"""What an origin may expect: patience, few connections, and its wishes respected."""

from time import monotonic
from urllib.parse import quote

import pytest
from tests.support.engine_jobs import SOON_S
from tests.support.misbehaving_origin import Origin, closed_port
from tests.support.outcome_tables import unexpected

from fetcher.contract.outcome import Outcome


@pytest.fixture
def origin():
    with Origin() as origin:
        yield origin


def test_no_more_downloads_are_in_flight_at_a_host_than_allowed(fetch, origin):
    """
    Each waits until there are four: with fewer it would take for ever, and the most
    there ever were is what the origin counted.
    """
    urls = [url for _ in range(10) for url in origin.together(4)]
    ended = fetch(urls, connections=40, per_host=4, deadline_s=20)

    assert {one.outcome for one in ended} == {Outcome.OK}
    assert origin.most_at_once == 4
    assert origin.connections <= 4


def test_a_host_with_a_limit_does_not_hold_up_the_others(fetch, origin):
    """
    Its URLs come first in the list, and it never answers.
    """
    with Origin() as other:
        slow = [origin.url(f"/silence/{number}") for number in range(50)]
        quick = [other.url(f"/bytes/3/{number}") for number in range(50)]
        # The end comes before silence gives places back.
        ended = fetch(slow + quick, connections=10, per_host=2, enough=50)

    assert {one.outcome for one in ended[50:]} == {Outcome.OK}
    assert {one.outcome for one in ended[:50]} == {Outcome.UNSTARTED}
    assert len(origin.requests) == 2


def test_requests_to_a_host_are_spaced_whatever_others_are_asked(fetch, origin):
    with Origin() as other:
        urls = [
            one.url(f"/bytes/3/{number}")
            for number in range(7)
            for one in (origin, other)
        ]
        began = monotonic()
        ended = fetch(urls, connections=14, host_rate=20.0)

    assert {one.outcome for one in ended} == {Outcome.OK}
    for one in (origin, other):
        # One may be late and the next on time: only too early is wrong. A clock's tick
        # is allowed for.
        waited = sorted(request.at - began for request in one.requests)
        assert all(at > 0.05 * nth - 0.01 for nth, at in enumerate(waited))
        assert waited[-1] < SOON_S


def test_a_host_that_hangs_up_is_left_alone(fetch, origin):
    """
    Hammering a host that is down helps neither side; nor must it hold up the others.
    """
    urls = [origin.url(f"/hang-up/{number}") for number in range(300)]
    with Origin() as other:
        good = [other.url(f"/bytes/3/{number}") for number in range(50)]
        ended = fetch(urls + good, connections=10, attempts=3, deadline_s=2.0)

    assert {one.outcome for one in ended[300:]} == {Outcome.OK}
    assert {one.outcome for one in ended[:300]} <= {Outcome.CUT, Outcome.UNSTARTED}
    assert len(origin.requests) < 200  # of 900


def test_a_host_is_not_blamed_for_where_it_redirects_to(fetch, origin):
    """
    Much of what a shortener of URLs leads to is gone; it is not.
    """
    with closed_port() as closed:
        dead = f"http://127.0.0.1:{closed}/"
        urls = [origin.url(f"/to/{dead}{number}") for number in range(60)]
        good = [origin.url(f"/bytes/3/{number}") for number in range(20)]
        ended = fetch(urls + good, connections=10)

    assert {one.outcome for one in ended[60:]} == {Outcome.OK}
    assert {one.outcome for one in ended[:60]} <= {Outcome.CONNECT}


def test_a_body_that_trickles_below_the_least_pace_is_broken_off(fetch_beside, origin):
    """
    It never falls silent: 50 bytes a second, where 1,000 are due.
    """
    (one,) = fetch_beside(
        [origin.url("/trickle/10000/0.02")], read_timeout_s=1.5, min_bytes_per_s=1_000
    )

    assert one.outcome is Outcome.READ_TIMEOUT
    assert "1,000 bytes/s" in one.detail
    assert one.seconds < SOON_S


def test_a_body_that_is_reserved_is_left_if_that_is_respected(fetch, origin):
    ends = {
        **dict.fromkeys(("noindex", "noai", "noimageai", "none", "NoAI"), "blocked"),
        **dict.fromkeys(("nofollow, noai", "nofollow,noimageai , x"), "blocked"),
        **dict.fromkeys(("all", "nofollow", "noaim", "otherbot: noindex", ""), "ok"),
        "unavailable_after: 25 Jun 2040 15:00:00 PST": "ok",
        "otherbot: nofollow, noindex": "ok",
        "max-image-preview: none": "ok",
        "unavailable_after: Mon, 25 Jun 2040 15:00:00 GMT, noai": "blocked",
    }
    urls = [origin.url(f"/headers/X-Robots-Tag/{quote(tag)}") for tag in ends]

    assert unexpected(ends, fetch(urls, respect_robots=True)) == {}
    assert {one.outcome for one in fetch(urls)} == {Outcome.OK}


def test_one_reserving_header_among_several_is_enough(fetch, origin):
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n"
    tags = [b"X-Robots-Tag: bot: all", b"x-robots-tag: noai", b"X-Robots-Tag: all"]
    url = origin.saying(head + b"\r\n".join(tags) + b"\r\n\r\nxyz")
    (one,) = fetch([url], respect_robots=True)

    assert one.outcome is Outcome.BLOCKED
    assert "noai" in one.detail
