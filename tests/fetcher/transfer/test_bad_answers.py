"""
Every way an answer can be wrong has its outcome, and does no harm to its neighbours.

The good downloads beside each share its job, its engine, its host and its timeouts;
none of them is answered in full before all have been asked for.
"""

import pytest
from tests.support.engine_jobs import body_of
from tests.support.misbehaving_origin import CHUNKED, JPEG, sentence
from tests.support.outcome_tables import unexpected

from fetcher.contract.outcome import Outcome

OK = b"HTTP/1.1 200 OK\r\n"
THREE = OK + b"Content-Length: 3\r\n\r\n"
END = b"0\r\n\r\n"  # the last chunk
MANY_HEADERS = b"X: 123456789\r\n" * 700_000
EMPTY, XYZ = "Content-Length: 0", "Content-Length: 3"


def head(status, *lines):
    return "\r\n".join([f"HTTP/1.1 {status} No", *lines, "", ""]).encode()


def length(*values):
    """Return an answer that gives these lengths."""
    lines = (b"Content-Length: %b\r\n" % value for value in values)
    return OK + b"".join(lines) + b"\r\nxyz"


HALF_HEADS = {
    "nothing": b"",
    "half a head": OK + b"Content-Le",
    "a status only": OK,
    "a head without its end": OK + b"X: y\r\n",
    "a refusal without its end": b"HTTP/1.1 404 Gone\r\nX: y\r\n",
    "half a redirect": b"HTTP/1.1 302 On\r\nLocation",
}
HALF_BODIES = {
    "a head only": THREE,
    "half a body": THREE + b"x",
    "half a chunk": CHUNKED + b"3\r\nx",
}
# How it ends, what happens after all was sent, and what was. More than one outcome is
# allowed where it depends on what a parser looks at first.
ANSWERS = [
    ("cut", "reset", HALF_HEADS | HALF_BODIES),
    ("cut", "close", HALF_HEADS | HALF_BODIES),
    (
        "cut",
        "close",
        {
            "no last chunk": CHUNKED + b"3\r\nxyz\r\n",
            "half of the last chunk": CHUNKED + b"3\r\nxyz\r\n0\r\n",
            "interim answers only": b"HTTP/1.1 100 Continue\r\n\r\n" * 9,
        },
    ),
    (
        "protocol",
        "close",
        {
            "a chunk of no length": CHUNKED + b"\r\nxyz\r\n",
            "a chunk of length many": CHUNKED + b"many\r\nxyz\r\n",
            "a chunk of length -1": CHUNKED + b"-1\r\nxyz\r\n",
            "a chunk of length 0x3": CHUNKED + b"0x3\r\nxyz\r\n" + END,
            "a chunk beyond counting": CHUNKED + b"f" * 17 + b"\r\nx",
            "a chunk longer than said": CHUNKED + b"3\r\nwxyz\r\n" + END,
            "a coding beside chunks": head(200, "Transfer-Encoding: gzip, chunked")
            + b"3\r\nxyz\r\n"
            + END,
            "a coding like chunks": head(200, "Transfer-Encoding: xchunked")
            + b"3\r\nxyz\r\n"
            + END,
            "a coding nobody wants": head(200, "Transfer-Encoding: gzip") + b"xyz",
            "no number for a status": head("2OO", XYZ) + b"xyz",
            "no status": b"HTTP/1.1\r\n\r\n",
            "a status of two digits": b"HTTP/1.1 20 OK\r\n\r\n",
            "a status of four digits": head(1_000, XYZ) + b"xyz",
            "a negative status": b"HTTP/1.1 -200 OK\r\n\r\n",
            "HTTP of no version": b"HTTP/x.y 200 OK\r\n\r\n",
            "HTTP of another version": THREE.replace(b"/1.1", b"/1.2") + b"xyz",
            "HTTP/0.9": b"<html>hello</html>\n",
            "a mail server's greeting": b"220 mail ESMTP ready\r\n\r\n",
            "an alert of TLS": b"\x15\x03\x01\x00\x02\x02\x46",
            "zeros": bytes(1_000),
            "a header without a colon": OK + b"what\r\n\r\n",
            "a header of 10 MB": OK + b"X: " + b"x" * 10**7,
            "headers of 10 MB": OK + MANY_HEADERS,
            "a zero in a header": OK + b"X: a\0b\r\n\r\n",
            "a return in a header": OK + b"X: a\rb\r\n\r\n",
            "a length of abc": length(b"abc"),
            "a length of -3": length(b"-3"),
            "a length of +3": length(b"+3"),
            "a length of 3.0": length(b"3.0"),
            "a length of 0x3": length(b"0x3"),
            "a length of nothing": length(b""),
            "two lengths on a line": length(b"3, 4"),
            "two lengths": length(b"3", b"4"),
            "two lengths, the longer first": length(b"4", b"3"),
            "two places": head(302, "Location: /chain/0", "Location: /bytes/4", EMPTY),
        },
    ),
    ("protocol cut", "close", {"empty lines": b"\r\n\r\n\r\n"}),
    (
        "protocol cut too_large",
        "close",
        {
            "a chunk's remark of 10 MB": CHUNKED + b"3;" + b"x" * 10**7,
            "trailers of 10 MB": CHUNKED + b"0\r\n" + MANY_HEADERS,
        },
    ),
    ("too_large", "close", {"a length of 10^18": length(b"1%018d" % 0)}),
    ("too_large protocol", "close", {"a length of 10^30": length(b"1%030d" % 0)}),
    (
        "http_status",
        "close",
        {
            "status 206": head(206, "Content-Range: bytes 0-2/9") + b"xyz",
            # Nobody asked for another protocol; what follows is none of ours.
            "a switch": head(101, XYZ) + b"xyz",
            "an upgrade": head(101, "Upgrade: x", "Connection: upgrade") + b"x",
            "a place of what was made": head(201, "Location: /bytes/3", XYZ) + b"xyz",
        },
    ),
    (
        "http_status",
        "next",
        {
            "status 204": head(204),
            "status 304": head(304),
            "status 304 with a place": head(304, "Location: /bytes/3"),
            "status 302 without a place": head(302, EMPTY),
            "status 302 to nowhere": head(302, "Location: ", EMPTY),
            "status 302 with a place of old": head(302, "URI: /bytes/3", EMPTY),
            "status 999": head(999, EMPTY),
        },
    ),
]

# What is unusual, but leaves no doubt about the body: xyz.
UNUSUAL = {
    "an interim answer first": b"HTTP/1.1 100 Continue\r\n\r\n" + THREE + b"xyz",
    "hints first": head(103, "Location: /bytes/9", "Content-Length: 9")
    + THREE
    + b"xyz",
    "HTTP/1.0, to the end": b"HTTP/1.0 200 OK\r\n\r\nxyz",
    "HTTP/1.1, to the end": OK + b"\r\nxyz",
    "no reason": b"HTTP/1.1 200\r\nContent-Length: 3\r\n\r\nxyz",
    "headers in capitals": OK + b"CONTENT-LENGTH:3\r\n\r\nxyz",
    "a header folded": OK + b"X: a\r\n b\r\nContent-Length: 3\r\n\r\nxyz",
    "a remark on a chunk": CHUNKED + b"3;a=b\r\nxyz\r\n" + END,
    "a length in leading zeros": CHUNKED + b"0003\r\nxyz\r\n" + END,
    "a trailer": CHUNKED + b"3\r\nxyz\r\n0\r\nX: y\r\n\r\n",
    "a header beyond ASCII": OK + b"X: \xff\xc3\xa4\r\nContent-Length: 3\r\n\r\nxyz",
    "the type given twice": head(200, *["Content-Type: image/png"] * 2, XYZ) + b"xyz",
    "a place to go to later": head(200, "Refresh: 0;url=/bytes/9", XYZ) + b"xyz",
}

# What HTTP lets a client take or refuse; taken, it must be taken whole.
DOUBTFUL = {
    "the same length twice": length(b"3", b"3"),
    "the same length twice on a line": length(b"3, 3"),
    "a length, and chunks": head(200, "Content-Length: 9", "Transfer-Encoding: chunked")
    + b"3\r\nxyz\r\n"
    + END,
    "chunks, and a length": head(200, "Transfer-Encoding: chunked", "Content-Length: 1")
    + b"3\r\nxyz\r\n"
    + END,
    "more than promised": THREE + b"xyz and more",
    "more after the last chunk": CHUNKED + b"3\r\nxyz\r\n" + END + b"and more",
    "a second answer": THREE + b"xyz" + THREE + b"abc",
    "lines without returns": b"HTTP/1.1 200 OK\nContent-Length: 3\n\nxyz",
}


def test_bad_answers_have_their_outcomes_and_the_good_ones_beside_them_theirs(
    fetch_beside, origin
):
    table = {
        (then, answer): outcomes
        for outcomes, then, answers in ANSWERS
        for answer in answers
    }
    urls = [
        origin.saying(raw, then)
        for _, then, answers in ANSWERS
        for raw in answers.values()
    ]
    ended = fetch_beside(urls)

    assert unexpected(table, ended) == {}
    assert {one.path for one in ended} == {""}


def test_no_head_is_judged_that_did_not_come_whole(fetch, origin):
    """
    A retry may bring what it lacks; that no type was given is no reason for none.
    """
    halves = [
        origin.saying(raw, then)
        for raw in HALF_HEADS.values()
        for then in ("close", "reset")
    ]
    whole = origin.saying(head(404, "Content-Type: text/plain", EMPTY))
    *ended, refused = fetch([*halves, whole], expect_type="image/")

    assert {one.outcome for one in ended} == {Outcome.CUT}
    assert refused.outcome is Outcome.HTTP_STATUS


def test_headers_without_end_are_broken_off(fetch_beside, origin):
    (one,) = fetch_beside([origin.url("/endless-head")], expect_type="image/")

    assert (one.outcome, one.status) == (Outcome.PROTOCOL, 0)
    assert one.detail.startswith("not HTTP: Too ")


def test_unusual_answers_are_taken_whole(fetch, origin):
    ended = fetch(map(origin.saying, UNUSUAL.values()), connections=len(UNUSUAL))

    assert unexpected(dict.fromkeys(UNUSUAL, "ok"), ended) == {}
    assert {body_of(one) for one in ended} == {b"xyz"}
    assert {(one.body_bytes, one.detail) for one in ended} == {(3, "")}


def test_a_body_may_be_empty(fetch, origin):
    ended = fetch([origin.saying(one) for one in (head(200, EMPTY), CHUNKED + END)])

    assert {(one.outcome, one.body_bytes) for one in ended} == {(Outcome.OK, 0)}
    assert {body_of(one) for one in ended} == {b""}


def test_doubtful_answers_are_taken_whole_or_not_at_all(fetch, origin):
    ended = fetch(map(origin.saying, DOUBTFUL.values()), connections=len(DOUBTFUL))

    assert unexpected(dict.fromkeys(DOUBTFUL, "ok protocol cut"), ended) == {}
    assert {body_of(one) for one in ended if one.path} <= {b"xyz"}


def test_what_follows_an_answer_is_never_taken_for_the_next(fetch, origin):
    """
    An origin's mistake, or an attacker's, must not become another URL's body.
    """
    poison = THREE + b"xyz" + THREE + b"BAD"
    urls = [origin.saying(poison, "next") for _ in range(10)]
    urls = [url for poisoned in urls for url in (poisoned, origin.url("/bytes/3"))]
    ended = fetch(urls, connections=1, attempts=3)
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
    ("image/ÿ", b"xyz", "wrong_type"),
    ("text/html", b"<html>", "wrong_type"),
    ("application/octet-stream", b"\1\2", "wrong_type"),
]


@pytest.mark.parametrize("apart", [False, True])
def test_a_body_of_another_type_is_not_kept(fetch_beside, origin, apart):
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
    ended = fetch_beside(urls, expect_type="image/")

    assert [str(one.outcome) for one in ended] == [outcome for *_, outcome in BODIES]
    assert all(sentence(one.detail) for one in ended if one.detail)
