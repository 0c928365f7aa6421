"""
Nothing in a list, an answer or a name makes the worker raise, hang or go astray.

`fetch` itself checks that each URL is accounted for exactly once.
"""

import socket
import tempfile
from collections import Counter
from pathlib import Path
from time import monotonic

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.support.engine_jobs import SOON_S, fetch, files_below
from tests.support.handler_shards import Context, report_of
from tests.support.misbehaving_origin import JPEG
from tests.support.name_service import Names

from fetcher.contract.inline_source import Inline
from fetcher.contract.options import ENGINES, Options
from fetcher.contract.outcome import Outcome
from fetcher.contract.shard_messages import Shard
from fetcher.contract.source import Item

TIMES = {"connect_timeout_s": 1, "read_timeout_s": 0.3, "total_timeout_s": 1.5}
TIMEOUTS = TIMES | {"deadline_s": 3.0}
AMPLE = {"read_timeout_s": 1.0, "total_timeout_s": 4.0, "deadline_s": 8.0}
FUZZED = settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)

# No digits of any script: they could make up the address of somebody's host.
TEXT = st.text(st.characters(exclude_categories=["N"]), max_size=20)
HOSTS = st.sampled_from(
    [
        *("{host}", "u:p@{host}", "origin.example:{port}", "inside.example", "h"),
        *("127.0.0.1:1", "[::1]:1", "[::1", "[fe80::1%25lo]", "0x7f.1", "a..b", "."),
        *("localhost:99999", "localhost:port", "localhost:", ":80", "", "é.example"),
        *("x" * 300, "%41.example", "-", "a_b", "xn--", "xn--a", "169.254.169.254"),
    ]
)
PATHS = st.sampled_from(
    ["/bytes/3", "/target/", "/status/404", "/loop", "/cut/9/1", "/hang-up", "?", "#"]
)
URLS = TEXT | st.builds(
    "{}{}{}{}".format,
    st.sampled_from(
        [
            *("http://", "http://", "http://", "HTTP://", "https://", "http:", "//"),
            *("ftp://", "file://", "gopher://", "data:", "\thttp://", "http:\\\\", ""),
        ]
    ),
    HOSTS | TEXT,
    PATHS,
    TEXT,
)


@pytest.fixture(scope="module", params=ENGINES)
def engine(request):
    return request.param


@pytest.fixture(scope="module", autouse=True)
def _names():
    """
    No name is looked up for real, so that nothing here leaves loopback.
    """
    known = {
        "localhost": [["127.0.0.1"]],
        "origin.example": [["127.0.0.1"]],
        "inside.example": [["169.254.169.254"]],
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket, "getaddrinfo", Names(known))
        yield


def fetched(engine, urls, **options):
    """
    Fetch; return what became of it. What is told is in the folder, and nothing else is,
    there or beside it.
    """
    with tempfile.TemporaryDirectory() as outer:
        inner = Path(outer) / "in"
        began = monotonic()
        ended = fetch(engine, urls, inner, **options)

        assert monotonic() - began < SOON_S
        assert [path.name for path in Path(outer).iterdir()] == ["in"]
        told = {(p.path, p.body_bytes) for p in ended if p.outcome is Outcome.OK}
        there = {(str(path), path.stat().st_size) for path in files_below(inner)}
        assert there <= told
        assert dict(there).keys() == dict(told).keys()
        assert not [path for path, _ in there if path.endswith(".part")]
    assert all(one.detail.isprintable() and len(one.detail) <= 200 for one in ended)
    return ended


def filled(texts, origin):
    port = str(origin.port)
    return [
        text.replace("{host}", f"127.0.0.1:{port}").replace("{port}", port)
        for text in texts
    ]


@FUZZED
@given(texts=st.lists(URLS, max_size=12), attempts=st.integers(1, 2))
def test_any_list_of_urls_is_accounted_for(engine, origin, texts, attempts):
    fetched(engine, filled(texts, origin), attempts=attempts, **TIMEOUTS)


@FUZZED
@given(texts=st.lists(URLS, min_size=1, max_size=8), attempts=st.integers(1, 2))
def test_any_shard_comes_back_as_a_report(engine, origin, texts, attempts):
    urls = filled(texts, origin)
    options = Options(
        engine=engine, allow_private=True, attempts=attempts, connections=8, **TIMES
    )
    source = Inline(((0, len(urls)),), urls)
    shard = Shard(run="r", index=0, options=options, source=source)
    report = report_of(shard, Context(remaining_s=3.0))
    outcomes = Counter(one.outcome for one in report.downloads)

    assert len(report.downloads) == len(urls)
    assert report.tally.counts == outcomes


@FUZZED
@given(
    destinations=st.lists(
        st.text(st.characters(), max_size=30)
        | st.text(st.sampled_from("./\\%~\0ab\ud800é"), max_size=12)
        | st.sampled_from(["../x", "/etc/passwd", "a/../../x", "x" * 5_000, "a.part"]),
        max_size=12,
    ),
    digest=st.sampled_from(["", "0" * 64]),
)
def test_no_destination_leads_out_of_the_folder(engine, origin, destinations, digest):
    items = [
        Item(number, origin.url(f"/bytes/{number}"), destination, digest)
        for number, destination in enumerate(destinations)
    ]
    ended = fetched(engine, items, deadline_s=8.0)
    sizes = {one.body_bytes for one in ended if one.outcome is Outcome.OK}

    outcomes = {Outcome.CHECKSUM} if digest else {Outcome.OK, Outcome.SINK}
    assert {one.outcome for one in ended} <= outcomes
    assert sizes <= set(range(len(items)))


STARTS_OF_PLACES = st.sampled_from(
    ["http://", "https://", "//", "/", "", "ftp://", "file://", "HTTP:", "x:", "?"]
)
PLACES = (
    TEXT | st.builds("{}{}{}{}".format, STARTS_OF_PLACES, HOSTS | TEXT, PATHS, TEXT)
).map(lambda text: text.encode(errors="surrogatepass"))


@FUZZED
@given(
    places=st.lists(PLACES, max_size=8),
    status=st.sampled_from([300, 301, 302, 303, 304, 305, 307, 308]),
)
def test_no_redirect_leads_astray(engine, origin, places, status):
    host = f"127.0.0.1:{origin.port}".encode()
    urls = [
        origin.saying(
            b"HTTP/1.1 %d On\r\nContent-Length: 0\r\nLocation: %b\r\n\r\n"
            % (status, place.replace(b"{host}", host)),
            "next",
        )
        for place in places
    ]
    fetched(engine, urls, **TIMEOUTS)


NAMES = [
    *(b"Content-Length", b"Transfer-Encoding", b"Content-Type", b"Content-Encoding"),
    *(b"Connection", b"Retry-After", b"X-Robots-Tag", b"Trailer", b"Upgrade", b"X"),
    b"",
]
VALUES = [
    *(b"3", b"-1", b"99", b"9" * 30, b"chunked", b"gzip", b"gzip, chunked"),
    b"identity",
    *(b"deflate", b"br", b"close", b"keep-alive", b"image/jpeg", b"text/html", b"none"),
    *(b"Thu, 01 Jan 1970 00:00:00 GMT", b"\xff\xfe", b"a\0b", b"a\rb", b" ", b""),
]
LINES = st.tuples(
    st.sampled_from(NAMES) | st.binary(max_size=9),
    st.sampled_from([b": ", b":", b" : ", b"", b"\t"]),
    st.sampled_from(VALUES) | st.binary(max_size=20),
    st.sampled_from([b"\r\n", b"\r\n", b"\n", b"\r", b""]),
).map(b"".join)
STARTS = st.sampled_from(
    [
        *(b"HTTP/1.1 200 OK\r\n", b"HTTP/1.0 200 OK\r\n", b"HTTP/1.1 200\r\n"),
        *(b"HTTP/1.1 503 No\r\n", b"HTTP/1.1 100 Go\r\n\r\nHTTP/1.1 200 OK\r\n"),
        *(b"HTTP/2 200\r\n", b"HTTP/1.1 -1 No\r\n", b"ICY 200 OK\r\n", b"\0", b""),
    ]
)
BODIES = st.sampled_from(
    [
        *(b"xyz", JPEG, b"<html>", b"3\r\nxyz\r\n0\r\n\r\n", b"3\r\nxyz", b"f" * 20),
        *(b"\x1f\x8b\x08\0\0\0\0\0\0\3", b"0\r\nX: y\r\n\r\n", b""),
    ]
)
ANSWERS = st.binary(max_size=60) | st.tuples(
    STARTS,
    st.lists(LINES, max_size=5).map(b"".join),
    st.sampled_from([b"\r\n", b"\r\n", b"\n", b""]),
    BODIES | st.binary(max_size=40),
).map(b"".join)


@FUZZED
@given(
    answers=st.lists(ANSWERS, max_size=12),
    then=st.sampled_from([*["close"] * 6, "reset", "next"]),
    compressed=st.booleans(),
    expect_type=st.sampled_from(["", "image/"]),
    respect_robots=st.booleans(),
)
def test_any_answer_has_an_outcome(engine, origin, answers, then, **options):
    urls = [origin.saying(answer, then) for answer in answers]
    urls.append(origin.saying(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc"))
    *_, good = fetched(engine, urls, **AMPLE, **options)

    assert good.outcome is (
        Outcome.WRONG_TYPE if options["expect_type"] else Outcome.OK
    )
