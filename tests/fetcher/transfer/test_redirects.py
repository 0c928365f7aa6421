"""Where an origin may send us on to, how often, and what it is told on the way."""

import gzip
from urllib.parse import quote, urlsplit

import pytest
from tests.support.engine_jobs import body_of
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


def test_no_redirect_leads_where_it_must_not(fetch_beside, origin):
    urls = [to(origin, place) for place in NEVER]
    ended = fetch_beside(urls)

    assert unexpected(NEVER, ended) == {}
    assert not any("hunter2" in one.detail for one in ended)


def test_five_redirects_are_followed_and_no_more(fetch_beside, origin):
    paths = {"/loop": "too_many_redirects", "/chain/5": "ok"}
    paths |= dict.fromkeys(("/chain/6", "/chain/1000"), "too_many_redirects")

    assert unexpected(paths, fetch_beside(list(map(origin.url, paths)))) == {}


def test_a_place_may_be_relative_and_given_twice(fetch, origin):
    places = ["/target/a%2Fb?c=%20", "../../target/a%2Fb?c=%20"]
    places.append(f"{places[0]}\r\nLocation: {places[0]}")
    places.append(f"//127.0.0.1:{origin.port}/target/a%2Fb?c=%20#x")
    ended = fetch(
        origin.saying(raw(place.encode(), status), "next")
        for place in places
        for status in (301, 302, 303, 307, 308)
    )

    assert {body_of(one) for one in ended} == {b"/target/a%2Fb?c=%20"}
    assert len(ended) == 20


def test_a_place_is_asked_for_as_it_is_written(fetch, origin):
    """
    What is not ASCII is encoded, as browsers do; nothing else, for the sake of signed
    URLs: origins redirect to those.
    """
    asked = {
        "/target/ä": "/target/%C3%A4",
        "/target/a b": "/target/a%20b",
        "/target/ä b": "/target/%C3%A4%20b",
        "/target/a%2Fb%41~?q=%2C%3A+%20": "/target/a%2Fb%41~?q=%2C%3A+%20",
        "/target/a'(b);=,!*": "/target/a'(b);=,!*",
    }
    ended = fetch(origin.saying(raw(place.encode()), "next") for place in asked)

    assert [body_of(one).decode() for one in ended] == list(asked.values())


def test_other_statuses_are_no_redirects(fetch, origin):
    """
    300 is a choice for a person, 305 and 306 would name a proxy, 304 has no place.
    """
    statuses = [300, 305, 306, 304]
    ended = fetch(origin.saying(raw(b"/bytes/3", one), "next") for one in statuses)

    assert [(one.outcome, one.status) for one in ended] == [
        (Outcome.HTTP_STATUS, status) for status in statuses
    ]


@pytest.mark.parametrize(
    "place",
    [
        "/target/a@b",
        "http://127.0.0.1:{port}/target/a@b",
        "http://else:hunter3@127.0.0.1:{port}/target/a@b",
        "//else:hunter3@127.0.0.1:{port}/target/a@b",
    ],
)
@pytest.mark.parametrize("is_elsewhere", [False, True])
def test_no_redirect_is_followed_with_a_password(fetch, origin, place, is_elsewhere):
    """
    Neither with the first URL's own nor with one that some origin made up.
    """
    with Origin() as other:
        port = (other if is_elsewhere else origin).port
        url = to(origin, place.format(port=port)).replace("//", "//me:hunter2@", 1)
        (one,) = fetch([url])
        *_, redirected = [*origin.requests, *other.requests]

    assert body_of(one) == b"/target/a@b"
    assert "authorization" in origin.seen("/to/")[-1].headers
    assert redirected.path == "/target/a@b"
    assert not {"authorization", "referer"} & redirected.headers.keys()


def test_a_request_that_is_repeated_has_the_password_again(fetch, origin):
    """
    Nobody asked for this encoding, of which libcurl tells only who listens.
    """
    body = gzip.compress(b"x" * 99)
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n"
    url = origin.saying(head % len(body) + body, "next")
    (one,) = fetch([url.replace("//", "//user:hunter2@", 1)])
    requests = origin.seen(urlsplit(url).path)

    assert (one.outcome, body_of(one)) == (Outcome.OK, b"x" * 99)
    assert all("authorization" in request.headers for request in requests)


def test_of_a_redirect_neither_a_cookie_nor_its_body_is_kept(fetch, origin):
    """
    What one URL's origin wants remembered is no business of the next's.
    """
    redirect = (
        b"HTTP/1.1 302 On\r\nSet-Cookie: a=b\r\nLocation: /bytes/3\r\n"
        b"Content-Length: 6\r\n\r\nmoved!"
    )
    urls = [origin.saying(redirect, "next"), origin.url("/bytes/4")]
    ended = fetch(urls, connections=1)

    assert [body_of(one) for one in ended] == [b"xxx", b"xxxx"]
    assert ended[0].body_bytes == 3
    assert not any("cookie" in request.headers for request in origin.requests[-2:])


def test_an_endless_body_of_a_redirect_does_not_keep_us(fetch_beside, origin):
    """
    Nobody wants that body; the limits hold for it, too.
    """
    head = b"HTTP/1.1 302 On\r\nLocation: /bytes/3\r\nContent-Length: 99\r\n\r\n"
    (one,) = fetch_beside([origin.saying(head, "wait")], read_timeout_s=2.0)

    assert one.outcome in {Outcome.OK, Outcome.READ_TIMEOUT}
