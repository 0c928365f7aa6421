"""
Every way an answer can be wrong has its outcome, and does no harm to its neighbours.

The good downloads beside each share its job, its engine, its host and its timeouts;
none of them is answered in full before all have been asked for.
"""

import pytest
from tests.support.engine_jobs import body_of, fetch, fetch_beside_good_ones
from tests.support.misbehaving_origin import CHUNKED, JPEG, sentence

from fetcher.contract.outcome import Outcome

OK = b"HTTP/1.1 200 OK\r\n"
THREE = OK + b"Content-Length: 3\r\n\r\n"
END = b"0\r\n\r\n"  # the last chunk
MANY_HEADERS = b"X: 123456789\r\n" * 700_000
EMPTY = "Content-Length: 0"
HUGE = "protocol cut too_large"


def head(status, *lines):
    return "\r\n".join([f"HTTP/1.1 {status} No", *lines, "", ""]).encode()


def length(*values):
    """Return an answer that gives these lengths."""
    lines = (b"Content-Length: %b\r\n" % value for value in values)
    return OK + b"".join(lines) + b"\r\nxyz"


# What is sent, what happens then, and how it ends. More than one outcome is allowed
# where it depends on what a parser looks at first.
ANSWERS = {
    "nothing, closed": (b"", "close", "cut"),
    "nothing, reset": (b"", "reset", "cut"),
    "half a head, closed": (OK + b"Content-Le", "close", "cut"),
    "a status only, closed": (OK, "close", "cut"),
    "a head without its end, closed": (OK + b"X: y\r\n", "close", "cut"),
    "half a head, reset": (OK + b"Content-Le", "reset", "cut"),
    "a head only, closed": (THREE, "close", "cut"),
    "a head only, reset": (THREE, "reset", "cut"),
    "half a body, closed": (THREE + b"x", "close", "cut"),
    "half a body, reset": (THREE + b"x", "reset", "cut"),
    "half a chunk, closed": (CHUNKED + b"3\r\nx", "close", "cut"),
    "half a chunk, reset": (CHUNKED + b"3\r\nx", "reset", "cut"),
    "no last chunk": (CHUNKED + b"3\r\nxyz\r\n", "close", "cut"),
    "half of the last chunk": (CHUNKED + b"3\r\nxyz\r\n0\r\n", "close", "cut"),
    "a chunk of no length": (CHUNKED + b"\r\nxyz\r\n", "close", "protocol"),
    "a chunk of length many": (CHUNKED + b"many\r\nxyz\r\n", "close", "protocol"),
    "a chunk of length -1": (CHUNKED + b"-1\r\nxyz\r\n", "close", "protocol"),
    "a chunk beyond counting": (CHUNKED + b"f" * 40 + b"\r\nx", "close", "protocol"),
    "a chunk longer than said": (CHUNKED + b"3\r\nwxyz\r\n" + END, "close", "protocol"),
    "a chunk's remark of 10 MB": (CHUNKED + b"3;" + b"x" * 10**7, "close", HUGE),
    "trailers of 10 MB": (CHUNKED + b"0\r\n" + MANY_HEADERS, "close", HUGE),
    "no number for a status": (b"HTTP/1.1 abc OK\r\n\r\n", "close", "protocol"),
    "no status": (b"HTTP/1.1\r\n\r\n", "close", "protocol"),
    "a status of two digits": (b"HTTP/1.1 20 OK\r\n\r\n", "close", "protocol"),
    "a negative status": (b"HTTP/1.1 -200 OK\r\n\r\n", "close", "protocol"),
    "HTTP of no version": (b"HTTP/x.y 200 OK\r\n\r\n", "close", "protocol"),
    "HTTP/0.9": (b"<html>hello</html>\n", "close", "protocol"),
    "empty lines": (b"\r\n\r\n\r\n", "close", "protocol cut"),
    "a mail server's greeting": (b"220 mail ESMTP ready\r\n\r\n", "close", "protocol"),
    "an alert of TLS": (b"\x15\x03\x01\x00\x02\x02\x46", "close", "protocol"),
    "zeros": (bytes(1_000), "close", "protocol"),
    "a header without a colon": (OK + b"what\r\n\r\n", "close", "protocol"),
    "a header of 10 MB": (OK + b"X: " + b"x" * 10**7, "close", "protocol"),
    "headers of 10 MB": (OK + MANY_HEADERS, "close", "protocol"),
    "a zero in a header": (OK + b"X: a\0b\r\n\r\n", "close", "protocol"),
    "a length of abc": (length(b"abc"), "close", "protocol"),
    "a length of -3": (length(b"-3"), "close", "protocol"),
    "a length of 3.0": (length(b"3.0"), "close", "protocol"),
    "a length of 0x3": (length(b"0x3"), "close", "protocol"),
    "a length of nothing": (length(b""), "close", "protocol"),
    "two lengths on a line": (length(b"3, 4"), "close", "protocol"),
    "two lengths": (length(b"3", b"4"), "close", "protocol"),
    "two lengths, the longer first": (length(b"4", b"3"), "close", "protocol"),
    "a length of 10^18": (length(b"1%018d" % 0), "close", "too_large"),
    "a length of 10^30": (length(b"1%030d" % 0), "close", "too_large protocol"),
    "status 204": (head("204"), "next", "http_status"),
    "status 206": (
        head("206", "Content-Range: bytes 0-2/9") + b"xyz",
        "close",
        "http_status",
    ),
    "status 304": (head("304"), "next", "http_status"),
    "status 304 with a place": (
        head("304", "Location: /bytes/3"),
        "next",
        "http_status",
    ),
    "status 302 without a place": (head("302", EMPTY), "next", "http_status"),
    "status 999": (head("999", EMPTY), "next", "http_status"),
    "a switch nobody asked for": (
        head("101", "Upgrade: h2c"),
        "close",
        "http_status protocol cut",
    ),
    "interim answers only": (b"HTTP/1.1 100 Continue\r\n\r\n" * 9, "close", "cut"),
}

# What is unusual, but leaves no doubt about the body: xyz.
UNUSUAL = {
    "an interim answer first": b"HTTP/1.1 100 Continue\r\n\r\n" + THREE + b"xyz",
    "hints first": b"HTTP/1.1 103 Hints\r\nLink: </a>\r\n\r\n" + THREE + b"xyz",
    "HTTP/1.0, to the end": b"HTTP/1.0 200 OK\r\n\r\nxyz",
    "HTTP/1.1, to the end": OK + b"\r\nxyz",
    "no reason": b"HTTP/1.1 200\r\nContent-Length: 3\r\n\r\nxyz",
    "headers in capitals": OK + b"CONTENT-LENGTH:3\r\n\r\nxyz",
    "a remark on a chunk": CHUNKED + b"3;a=b\r\nxyz\r\n" + END,
    "a length in leading zeros": CHUNKED + b"0003\r\nxyz\r\n" + END,
    "a trailer": CHUNKED + b"3\r\nxyz\r\n0\r\nX: y\r\n\r\n",
    "a header beyond ASCII": OK + b"X: \xff\xc3\xa4\r\nContent-Length: 3\r\n\r\nxyz",
    "the type given twice": OK
    + b"Content-Type: image/png\r\nContent-Type: image/png\r\n"
    + b"Content-Length: 3\r\n\r\nxyz",
}

# What HTTP lets a client take or refuse; taken, it must be taken whole.
DOUBTFUL = {
    "the same length twice": length(b"3", b"3"),
    "the same length twice on a line": length(b"3, 3"),
    "a length, and chunks": OK
    + b"Content-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nxyz\r\n"
    + END,
    "chunks, and a length": OK
    + b"Transfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n3\r\nxyz\r\n"
    + END,
    "more than promised": THREE + b"xyz and more",
    "more after the last chunk": CHUNKED + b"3\r\nxyz\r\n" + END + b"and more",
    "a second answer": THREE + b"xyz" + THREE + b"abc",
    "a status of four digits": b"HTTP/1.1 2000 OK\r\nContent-Length: 3\r\n\r\nxyz",
    "lines without returns": b"HTTP/1.1 200 OK\nContent-Length: 3\n\nxyz",
    "a header folded": OK + b"X: a\r\n b\r\nContent-Length: 3\r\n\r\nxyz",
    "an encoding nobody knows": OK + b"Transfer-Encoding: odd\r\n\r\nxyz",
    "another protocol of the kind": b"HTTP/1.9 200 OK\r\nContent-Length: 3\r\n\r\nxyz",
}


def test_bad_answers_have_their_outcomes_and_the_good_ones_beside_them_theirs(
    engine, origin, tmp_path
):
    urls = [origin.saying(raw, then) for raw, then, _ in ANSWERS.values()]
    ended = fetch_beside_good_ones(engine, origin, urls, tmp_path)

    for (answer, (*_, outcomes)), one in zip(ANSWERS.items(), ended, strict=True):
        assert one.outcome in outcomes.split(), answer
        assert sentence(one.detail), answer
        assert one.path == "", answer


def test_unusual_answers_are_taken_whole(engine, origin, tmp_path):
    urls = [origin.saying(raw) for raw in UNUSUAL.values()]
    ended = fetch(engine, urls, tmp_path, connections=len(urls))

    for answer, one in zip(UNUSUAL, ended, strict=True):
        assert (one.outcome, one.body_bytes, one.detail) == (Outcome.OK, 3, ""), answer
        assert body_of(one) == b"xyz"


def test_a_body_may_be_empty(engine, origin, tmp_path):
    heads = [OK + b"Content-Length: 0\r\n\r\n", CHUNKED + END]
    ended = fetch(engine, [origin.saying(head) for head in heads], tmp_path)

    assert {(one.outcome, one.body_bytes) for one in ended} == {(Outcome.OK, 0)}
    assert {body_of(one) for one in ended} == {b""}


def test_doubtful_answers_are_taken_whole_or_not_at_all(engine, origin, tmp_path):
    urls = [origin.saying(raw) for raw in DOUBTFUL.values()]
    ended = fetch(engine, urls, tmp_path, connections=len(urls))

    for answer, one in zip(DOUBTFUL, ended, strict=True):
        assert one.outcome in {Outcome.OK, Outcome.PROTOCOL, Outcome.CUT}, answer
        if one.outcome is Outcome.OK:
            assert body_of(one) == b"xyz", answer


def test_what_follows_an_answer_is_never_taken_for_the_next(engine, origin, tmp_path):
    """
    An origin's mistake, or an attacker's, must not become another URL's body.
    """
    poison = THREE + b"xyz" + THREE + b"BAD"
    urls = [origin.saying(poison, "next") for _ in range(10)]
    urls = [url for poisoned in urls for url in (poisoned, origin.url("/bytes/3"))]
    ended = fetch(engine, urls, tmp_path, connections=1, attempts=3)
    bodies = [body_of(one) for one in ended if one.path]

    assert b"BAD" not in bodies
    assert bodies.count(b"xxx") == 10


BODIES = [
    ("image/jpeg", JPEG, "ok"),
    ("IMAGE/JPEG; q=1", JPEG, "ok"),
    ("image/png", b"\x89PNG\r\n\x1a\n" + bytes(9), "ok"),
    ("image/gif", b"GIF89a" + bytes(9), "ok"),
    ("image/webp", b"RIFF\x10\0\0\0WEBPVP8 ", "ok"),
    ("image/x-new", b"\1anything at all", "ok"),
    ("image/jpeg", b"\x89PNG\r\n\x1a\n" + bytes(9), "ok"),
    ("image/jpeg", b"RIFF\x10\0\0\0WEBPVP8 ", "ok"),
    ("application/octet-stream", JPEG, "ok"),
    ("binary/octet-stream", JPEG, "ok"),
    ("text/plain", JPEG, "ok"),
    ("", JPEG, "ok"),
    ("image/jpeg", b"<!DOCTYPE html><html>404", "wrong_type"),
    ("image/jpeg", b"\n <html>\n", "wrong_type"),
    ("image/jpeg", b"{}", "wrong_type"),
    ("image/jpeg", b"", "wrong_type"),
    ("text/html", b"<html>", "wrong_type"),
    ("application/octet-stream", b"\1\2", "wrong_type"),
]


@pytest.mark.parametrize("apart", [False, True])
def test_a_body_of_another_type_is_not_kept(engine, origin, tmp_path, apart):
    """
    The first bytes decide, which may come one by one; no valid picture is lost.
    """
    urls = []
    for kind, body, _ in BODIES:
        head = (
            OK + f"Content-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n".encode()
        )
        parts = [head + body] if not apart else [head, body[:1], body[1:2], body[2:]]
        urls.append(origin.saying(parts))
    ended = fetch_beside_good_ones(engine, origin, urls, tmp_path, expect_type="image/")

    assert [str(one.outcome) for one in ended] == [outcome for *_, outcome in BODIES]
    assert all(sentence(one.detail) for one in ended if one.detail)
