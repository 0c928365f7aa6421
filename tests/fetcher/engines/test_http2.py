"""Origins that misbehave in HTTP/2, where one connection carries many downloads."""

import itertools
from collections import Counter

import pytest
from tests.support.engine_jobs import SOON_S, body_of, fetch, files_below
from tests.support.http2_origin import (
    CONTINUATION,
    DATA,
    INTERNAL_ERROR,
    NO_ERROR,
    REFUSED_STREAM,
    Http2Origin,
    data,
    frame,
    goaway,
    headers,
    reset,
)
from tests.support.misbehaving_origin import sentence

from fetcher.contract.options import ENGINES
from fetcher.contract.outcome import Outcome

MANY = 20
BODY = b"x" * 1_000

# aiohttp, the reference, speaks HTTP/1.1 only.
pytestmark = pytest.mark.parametrize("engine", sorted({"curl"} & set(ENGINES)))


def cases(frames):
    return pytest.mark.parametrize("frames", frames.values(), ids=frames)


def good(stream):
    return [headers(stream, len(BODY)), data(stream, BODY)]


def first(frames):
    """Answer the very first request so, and all the others well."""
    return lambda stream, asked: good(stream) if asked else frames(stream)


@pytest.fixture
def run(engine, authority, tmp_path, monkeypatch):
    """Fetch from an origin that answers so; return what became of the downloads."""

    def run(answer, many=MANY, **options):
        monkeypatch.setenv("SSL_CERT_FILE", str(authority.path))
        with Http2Origin(authority.context(), answer) as origin:
            urls = [origin.url(f"/{number}") for number in range(many)]
            ended = fetch(engine, urls, tmp_path, connections=many, **options)
        assert all(one.outcome is Outcome.OK or sentence(one.detail) for one in ended)
        assert len(files_below(tmp_path)) == sum(one.path != "" for one in ended)
        assert {body_of(one) for one in ended if one.path} <= {BODY}
        assert max(one.seconds for one in ended) < SOON_S
        return Counter(str(one.outcome) for one in ended), origin

    return run


def test_many_downloads_share_few_connections(run):
    counts, origin = run(lambda stream, _: good(stream), many=60)

    assert counts == {"ok": 60}
    assert origin.connections <= 8


def test_without_a_length_the_end_of_the_stream_is_the_end(run):
    counts, _ = run(lambda stream, _: [headers(stream), data(stream, BODY)])

    assert counts == {"ok": MANY}


def broken(length, reason):
    return lambda to: [headers(to, length), data(to, b"x" * 99, 0), reset(to, reason)]


@cases(
    {
        "broken off": broken(1_000, INTERNAL_ERROR),
        "broken off without a reason": broken(1_000, NO_ERROR),
        "broken off, no length": broken(None, INTERNAL_ERROR),
        "not begun": lambda to: [reset(to, INTERNAL_ERROR)],
        "shorter than promised": lambda to: [headers(to, 1_000), data(to, b"x" * 99)],
        "longer than promised": lambda to: [headers(to, 99), data(to, b"x" * 1_000)],
    }
)
def test_a_stream_that_goes_wrong_is_one_download_that_does(run, frames):
    """
    The others on its connection are none the worse.
    """
    counts, _ = run(first(frames))
    (outcome,) = set(counts) - {"ok"}

    assert outcome in {"cut", "protocol"}
    assert counts == {"ok": MANY - 1, outcome: 1}


@cases(
    {
        "refused": lambda to: [reset(to, REFUSED_STREAM)],
        "told to go": lambda _: [goaway(0), None],
        "told to go once answered": lambda to: [*good(to), goaway(to), None],
        "closed in a body": lambda to: [headers(to, 1_000), data(to, b"x", 0), None],
        "closed": lambda _: [None],
    }
)
def test_a_connection_that_ends_is_made_anew(run, frames, monkeypatch):
    monkeypatch.setattr("fetcher.transfer.scheduler.full_jitter", lambda *_: 0.01)
    counts, _ = run(first(frames), attempts=3)

    assert counts == {"ok": MANY}


NO_HEADERS = b"\xff\xff\xff\xff\xff\x00"
SAME_CONTINUED = b"\x00\x01a\x01b" * 999
HTTP_1 = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


@cases(
    {
        "a body of nobody's": lambda _: [frame(DATA, 0, 0, b"x")],
        "a body not asked for": lambda _: [frame(DATA, 0, 4_001, b"x")],
        "a frame too long": lambda to: [frame(99, 0, to, b"?"), b"\xff" * 9, None],
        "headers that mean nothing": lambda to: [frame(1, 4, to, NO_HEADERS), None],
        "HTTP/1.1": lambda _: [HTTP_1, None],
        "headers without end": lambda to: itertools.chain(
            [headers(to, flags=0)],
            itertools.repeat(frame(CONTINUATION, 0, to, SAME_CONTINUED)),
        ),
    }
)
def test_nonsense_ends_what_is_in_flight_and_no_more(run, frames):
    counts, _ = run(first(frames))

    assert set(counts) <= {"ok", "cut", "protocol"}
    assert counts["ok"] < MANY


def test_a_stream_that_falls_silent_is_one_download_that_does(run):
    counts, _ = run(first(lambda stream: [headers(stream, 9)]), read_timeout_s=2.0)

    assert counts == {"ok": MANY - 1, "read_timeout": 1}
