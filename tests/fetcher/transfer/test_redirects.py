"""Where an origin may send us on to, how often, and what it is told on the way."""

import gzip
from urllib.parse import quote, urlsplit

import pytest
from tests.support.engine_jobs import body_of, fetch, fetch_beside_good_ones
from tests.support.misbehaving_origin import Origin
from tests.support.outcome_tables import expected, unexpected

from fetcher.contract.outcome import Outcome

NEVER = expected(
    (
        "blocked",
        """
        ftp://h/ FTP://h/ file:///etc/passwd file://localhost/etc/passwd
        gopher://h:70/_x dict://h:11211/stats ldap://h/ smb://h/x ws://h/ data:,xyz
        javascript:alert(1) mailto:a@b about:blank
        http://169.254.169.254/latest/meta-data/ https://169.254.169.254/
        //169.254.169.254/ http://[::ffff:169.254.169.254]/ http://[64:ff9b::a9fe:a9fe]/
        http://[2002:a9fe:a9fe::1]/ http://[fe80::1]/ http://[fd00:ec2::254]/
        http://0.0.0.0/ http://[::]/ http://224.0.0.1/ http://255.255.255.255/
        """,
    ),
    # libcurl tells where a redirect leads with the address written as it should be.
    (
        "blocked bad_url",
        """
        http://0xa9fea9fe/ http://2852039166/ http://0251.0376.0251.0376/
        http://169.254.43518/
        """,
    ),
    ("bad_url", "http://[::1 http://h:port/ http://h:99999/ http:// http://a..b/"),
    # libcurl and browsers take x for the host
    ("bad_url dns", "http:///x"),
    ("dns", "http://u:hunter2@no.invalid/"),
)


def to(origin, place):
    return origin.url(f"/to/{quote(place)}")


def raw(place, status=302):
    return b"HTTP/1.1 %d On\r\nLocation: %b\r\nContent-Length: 0\r\n\r\n" % (
        status,
        place,
    )


def test_no_redirect_leads_where_it_must_not(engine, origin, tmp_path):
    urls = [to(origin, place) for place in NEVER]
    ended = fetch_beside_good_ones(engine, origin, urls, tmp_path)

    assert unexpected(NEVER, ended) == {}
    assert not any("hunter2" in one.detail for one in ended)


@pytest.mark.parametrize(
    ("path", "outcome"),
    [
        ("/loop", "too_many_redirects"),
        ("/chain/5", "ok"),
        ("/chain/6", "too_many_redirects"),
        ("/chain/1000", "too_many_redirects"),
    ],
)
def test_five_redirects_are_followed_and_no_more(
    engine, origin, tmp_path, path, outcome
):
    (one,) = fetch_beside_good_ones(engine, origin, [origin.url(path)], tmp_path)

    assert one.outcome == outcome


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize(
    "place",
    [
        "/target/a%2Fb?c=%20",
        "../../target/a%2Fb?c=%20",
        "//{host}/target/a%2Fb?c=%20#x",
    ],
)
def test_a_place_may_be_relative(engine, origin, tmp_path, status, place):
    place = place.format(host=f"127.0.0.1:{origin.port}")
    (one,) = fetch(
        engine, [origin.saying(raw(place.encode(), status), "next")], tmp_path
    )

    assert one.outcome is Outcome.OK
    assert body_of(one) == b"/target/a%2Fb?c=%20"


@pytest.mark.parametrize(
    ("place", "asked"),
    [
        ("/target/ä".encode(), "/target/%C3%A4"),
        (b"/target/a b", "/target/a%20b"),
        (b"/target/a%2Fb%41~?q=%2C%3A+%20", "/target/a%2Fb%41~?q=%2C%3A+%20"),
        (b"/target/a'(b);=,!*", "/target/a'(b);=,!*"),
    ],
)
def test_a_place_is_asked_for_as_it_is_written(engine, origin, tmp_path, place, asked):
    """
    What is not ASCII is encoded, as browsers do; nothing else, for the sake of signed
    URLs: origins redirect to those.
    """
    (one,) = fetch(engine, [origin.saying(raw(place), "next")], tmp_path)

    assert body_of(one).decode() == asked


@pytest.mark.parametrize("status", [300, 305, 306, 304])
def test_other_statuses_are_no_redirects(engine, origin, tmp_path, status):
    """
    300 is a choice for a person, 305 and 306 would name a proxy, 304 has no place.
    """
    url = origin.saying(raw(b"/bytes/3", status), "next")
    (one,) = fetch(engine, [url], tmp_path)

    assert (one.outcome, one.status) == (Outcome.HTTP_STATUS, status)


def test_a_password_is_for_the_origin_it_was_given_for(engine, origin, tmp_path):
    with Origin() as other:
        url = to(origin, other.url("/bytes/3")).replace("//", "//user:hunter2@", 1)
        (one,) = fetch(engine, [url], tmp_path)

    assert one.outcome is Outcome.OK
    assert "authorization" in origin.requests[-1].headers
    assert "authorization" not in other.requests[-1].headers
    assert "referer" not in other.requests[-1].headers


def test_a_request_that_is_repeated_has_the_password_again(engine, origin, tmp_path):
    """
    Nobody asked for this encoding, of which libcurl tells only who listens.
    """
    body = gzip.compress(b"x" * 99)
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n"
    url = origin.saying(head % len(body) + body, "next")
    (one,) = fetch(engine, [url.replace("//", "//user:hunter2@", 1)], tmp_path)
    requests = origin.seen(urlsplit(url).path)

    assert (one.outcome, body_of(one)) == (Outcome.OK, b"x" * 99)
    assert all("authorization" in request.headers for request in requests)


def test_no_cookie_is_kept(engine, origin, tmp_path):
    """
    What one URL's origin wants remembered is no business of the next's.
    """
    redirect = raw(b"/bytes/3").replace(b"Location", b"Set-Cookie: a=b\r\nLocation")
    ended = fetch(
        engine,
        [origin.saying(redirect, "next"), origin.url("/bytes/4")],
        tmp_path,
        connections=1,
    )

    assert {one.outcome for one in ended} == {Outcome.OK}
    assert "cookie" not in origin.requests[-1].headers
    assert "cookie" not in origin.requests[-2].headers


def test_the_body_of_a_redirect_is_not_part_of_the_file(engine, origin, tmp_path):
    redirect = (
        b"HTTP/1.1 302 On\r\nLocation: /bytes/3\r\nContent-Length: 6\r\n\r\nmoved!"
    )
    (one,) = fetch(engine, [origin.saying(redirect, "next")], tmp_path)

    assert one.outcome is Outcome.OK
    assert (body_of(one), one.body_bytes) == (b"xxx", 3)


def test_a_redirect_may_lead_to_a_failure_and_says_its_status(engine, origin, tmp_path):
    (one,) = fetch(engine, [to(origin, "/status/404")], tmp_path)

    assert (one.outcome, one.status) == (Outcome.HTTP_STATUS, 404)
    assert one.detail == "expected status 200, got 404"


def test_an_endless_body_of_a_redirect_does_not_keep_us(engine, origin, tmp_path):
    """
    Nobody wants that body; the limits hold for it, too.
    """
    head = b"HTTP/1.1 302 On\r\nLocation: /bytes/3\r\nContent-Length: 99\r\n\r\n"
    (one,) = fetch_beside_good_ones(
        engine,
        origin,
        [origin.saying(head, "wait")],
        tmp_path,
        read_timeout_s=0.6,
    )

    assert one.outcome in {Outcome.OK, Outcome.READ_TIMEOUT}
