"""Both engines make the same of what is odd: the safer of what each would make."""

from collections import Counter

import pytest
from tests.support.engine_jobs import body_of, fetch, files_below
from tests.support.misbehaving_origin import CHUNKED
from tests.support.outcome_tables import expected, unexpected

from fetcher.contract.outcome import Outcome

# {port} is that of an origin on loopback.
URLS = expected(
    (
        "ok",
        """
        http://127.0.0.1:{port}/bytes/3 HTTP://127.0.0.1:{port}/bytes/3#a@b
        http://127.0.0.1:0{port}/bytes/3 http://u%40x:p%3A@127.0.0.1:{port}/bytes/3
        http://\uff11\uff12\uff17.0.0.1:{port}/bytes/3 http://127。0。0。1:{port}/bytes/3
        """,
    ),
    # Each is 127.0.0.1 to some programs, and a name, or nothing, to others.
    (
        "bad_url",
        """
        http://127.1:{port}/bytes/3 http://127.0.1:{port}/bytes/3
        http://1\uff127.1:{port}/bytes/3 http://127。1:{port}/bytes/3
        http://2130706433:{port}/bytes/3 http://017700000001:{port}/bytes/3
        http://0177.0.0.1:{port}/bytes/3 http://127.0.0.01:{port}/bytes/3
        http://0x7f000001:{port}/bytes/3 http://0X7F.0.0.1:{port}/bytes/3
        http://0x7f.1:{port}/bytes/3 http://127.0.0.0x1:{port}/bytes/3
        http://127.0.0.1.:{port}/bytes/3 http://127.0.0.256:{port}/bytes/3
        http://1.2.3.4.5:{port}/bytes/3 http://no.0x:{port}/bytes/3
        http://0:{port}/bytes/3
        """,
    ),
    # Where the host begins and ends, programs do not agree upon.
    (
        "bad_url",
        """
        http://127%2E0%2E0%2E1:{port}/bytes/3 http://127.0.0.1%00:{port}/bytes/3
        http://u@no.invalid@127.0.0.1:{port}/bytes/3
        http://127.0.0.1:{port}\\@no.invalid/
        http://no.invalid\\@127.0.0.1:{port}/bytes/3
        http://127.0.0.1\\no.invalid:{port}/bytes/3 http:/127.0.0.1:{port}/bytes/3
        http:///127.0.0.1:{port}/bytes/3 http://[::ffff:127.1]:{port}/bytes/3
        http://127.0.0.1:65536/ http://127.0.0.1:+{port}/ http://127.0.0.1:-1/
        """,
    ),
    ("connect", "http://127.0.0.1:0/"),
    ("dns", "http://ü.invalid/ http://no.invalid./"),
)


def head(*lines, status="200 OK"):
    return "\r\n".join([f"HTTP/1.1 {status}", *lines, "", ""]).encode()


LENGTH = "Content-Length: 3"
ANSWERS = {
    head(LENGTH, "X: a", " folded") + b"abc": "ok",
    head() + b"abc": "ok",
    b"HTTP/1.0 200 OK\r\n\r\nabc": "ok",
    head(status="100 Continue") + head(LENGTH) + b"abc": "ok",
    head("Location: /bytes/9", "Content-Length: 9", status="103 Early")
    + head(LENGTH)
    + b"abc": "ok",
    CHUNKED + b"3;a=b\r\nabc\r\n0\r\nX: y\r\n\r\n": "ok",
    head(status="100 Continue"): "cut",
    # Nobody asked for another protocol; what follows is none of ours.
    head(LENGTH, status="101 Switching") + b"abc": "http_status",
    head("Upgrade: x", "Connection: upgrade", status="101 On") + b"a": "http_status",
    head(LENGTH, "Content-Length: 2") + b"abc": "protocol",
    head("Content-Length: 2", LENGTH) + b"abc": "protocol",
    head("Content-Length: -3") + b"abc": "protocol",
    head("Content-Length: +3") + b"abc": "protocol",
    head("Content-Length: 0x3") + b"abc": "protocol",
    head("Content-Length: ") + b"abc": "protocol",
    head("Transfer-Encoding: gzip, chunked") + b"3\r\nabc\r\n0\r\n\r\n": "protocol",
    head("Transfer-Encoding: xchunked") + b"3\r\nabc\r\n0\r\n\r\n": "protocol",
    head("Transfer-Encoding: gzip") + b"abc": "protocol",
    CHUNKED + b"-3\r\nabc\r\n0\r\n\r\n": "protocol",
    CHUNKED + b"0x3\r\nabc\r\n0\r\n\r\n": "protocol",
    CHUNKED + b"f" * 17 + b"\r\nabc\r\n0\r\n\r\n": "protocol",
    head(LENGTH, "Nonsense") + b"abc": "protocol",
    head(LENGTH, "X: a\0b") + b"abc": "protocol",
    head(LENGTH, "X: a\rb") + b"abc": "protocol",
    head(LENGTH, status="2OO") + b"abc": "protocol",
    head(LENGTH, status="1000") + b"abc": "protocol",
    head(LENGTH).replace(b"/1.1", b"/1.2") + b"abc": "protocol",
    b"abc": "protocol",
    head("Location: /bytes/3", "Location: /bytes/4", status="302 On"): "protocol",
    head("Location: /bytes/3", "Location: /bytes/3", status="302 On"): "ok",
    head("Location: ", status="302 On"): "http_status",
    head("URI: /bytes/3", status="302 On"): "http_status",
    head("Refresh: 0;url=/bytes/3", LENGTH) + b"abc": "ok",
    head("Location: /bytes/3", LENGTH, status="201 Made") + b"abc": "http_status",
}
CUT_HEADS = {
    b"HTTP/1.1 200 OK\r\nContent-Le": "cut",
    b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n": "cut",
    b"HTTP/1.1 404 Gone\r\nX: y\r\n": "cut",
    b"HTTP/1.1 302 On\r\nLocation": "cut",
    head(LENGTH, "Content-Type: text/plain", status="404 Gone"): "http_status",
}


def test_a_url_is_one_or_not_to_both(engine, origin, tmp_path):
    urls = [url.format(port=origin.port) for url in URLS]
    ended = fetch(engine, urls, tmp_path, total_timeout_s=5.0)

    assert unexpected(URLS, ended) == {}


def test_an_answer_is_one_or_not_to_both(engine, origin, tmp_path):
    urls = [origin.saying(answer) for answer in ANSWERS]
    ended = fetch(engine, urls, tmp_path)

    assert unexpected(ANSWERS, ended) == {}
    assert len(files_below(tmp_path)) == Counter(ANSWERS.values())["ok"]


@pytest.mark.parametrize("then", ["close", "reset"])
@pytest.mark.parametrize("expect_type", ["", "image/"])
def test_no_head_is_judged_that_did_not_come_whole(
    engine, origin, tmp_path, then, expect_type
):
    """
    A retry may bring what it lacks; that no type was given is no reason for none.
    """
    urls = [origin.saying(answer, then) for answer in CUT_HEADS]
    ended = fetch(engine, urls, tmp_path, expect_type=expect_type)

    assert unexpected(CUT_HEADS, ended) == {}


def test_a_header_section_without_end_is_not_http(engine, origin, tmp_path):
    (one,) = fetch(
        engine, [origin.url("/endless-head")], tmp_path, expect_type="image/"
    )

    assert (one.outcome, one.status) == (Outcome.PROTOCOL, 0)
    assert one.detail.startswith("not HTTP: Too ")


@pytest.mark.parametrize(
    "place",
    [
        "/target/a@b",
        "http://127.0.0.1:{port}/target/a@b",
        "http://else:hunter3@127.0.0.1:{port}/target/a@b",
        "//else:hunter3@127.0.0.1:{port}/target/a@b",
    ],
)
def test_no_redirect_is_followed_with_a_password(engine, origin, tmp_path, place):
    """
    Neither with the first URL's own nor with one that some origin made up.
    """
    url = origin.url("/to/" + place.format(port=origin.port))
    (one,) = fetch(engine, [url.replace("//", "//me:hunter2@", 1)], tmp_path)
    asked, redirected = origin.requests[-2:]

    assert body_of(one) == b"/target/a@b"
    assert "authorization" in asked.headers
    assert "authorization" not in redirected.headers
