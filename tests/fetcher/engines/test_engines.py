"""Every engine, against an origin that misbehaves, and when it ends before its work."""

import datetime as dt
import os
import signal
import socket
import threading
import time
from email.utils import format_datetime
from unittest.mock import Mock
from urllib.parse import urlsplit
from urllib.request import urlopen

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.engine_jobs import SOON_S, body_of, files_below
from tests.support.misbehaving_origin import CHUNKED, Origin, sentence
from tests.support.name_service import Names

from fetcher.contract.options import Options
from fetcher.contract.outcome import Outcome
from fetcher.contract.source import Item
from fetcher.contract.template_source import Template
from fetcher.engines.aiohttp import _retry_after
from fetcher.sinks.discard import Discard
from fetcher.transfer.scheduler import Scheduler, engine_for


def test_a_body_arrives_whole(fetch, origin):
    sizes = [0, 1, 1_000, 3_000_000]
    ended = fetch(origin.url(f"/bytes/{size}") for size in sizes)

    assert [one[:3] for one in ended] == [(Outcome.OK, 200, size) for size in sizes]
    assert {(one.attempts, one.detail) for one in ended} == {(1, "")}
    assert [body_of(one) for one in ended] == [b"x" * size for size in sizes]


@pytest.mark.parametrize(
    ("path", "options", "outcome", "status", "said"),
    [
        ("/status/404", {}, "http_status", 404, "expected status 200, got 404"),
        ("/cut/100/50", {}, "cut", 200, "expected 100 bytes, got 50"),
        ("/reset/10", {}, "cut", 200, "expected 1,000,000 bytes, got 10"),
        ("/hang-up", {}, "cut", 0, "closed before an answer came"),
        ("/silence", {"read_timeout_s": 0.2}, "read_timeout", 0, "for 0.2 s"),
        ("/stall", {"read_timeout_s": 1.0}, "read_timeout", 200, "for 1 s"),
        ("/silence", {"total_timeout_s": 0.2}, "total_timeout", 0, "within 0.2 s"),
        ("/trickle/99/0.1", {"total_timeout_s": 1.5}, "total_timeout", 200, "1.5 s"),
        ("/endless/0.1", {"total_timeout_s": 0.4}, "total_timeout", 200, "within 2 s"),
        ("/bytes/10000", {"max_bytes": 9_999}, "too_large", 200, "got 10,000"),
        ("/chain/6", {}, "too_many_redirects", 0, "more than 5 times"),
        ("/to//status/404", {}, "http_status", 404, "expected status 200, got 404"),
        ("/to/ftp://h/", {}, "blocked", 0, "scheme other than http and https"),
        ("/to/file:///etc/passwd", {}, "blocked", 0, "scheme other than http"),
        ("/to/http://169.254.169.254/", {}, "blocked", 0, "link-local"),
        ("/to/http://[::1", {}, "bad_url", 0, "malformed"),
        ("/to/http://u:hunter2@a..b/", {}, "bad_url", 0, "cannot be a name in DNS"),
        ("/to/http://u:hunter2@no.invalid/", {}, "dns", 0, "no address for no.invalid"),
    ],
)
def test_each_way_to_fail_is_told_apart(
    fetch, tmp_path, origin, path, options, outcome, status, said
):
    """
    And leaves no file, whole or not, and no password in what is said.
    """
    began = time.monotonic()
    (one,) = fetch([origin.url(path)], **options)

    assert (outcome, status) == (one.outcome, one.status)
    assert said in one.detail
    assert sentence(one.detail)
    assert "hunter2" not in one.detail
    assert files_below(tmp_path) == []
    assert time.monotonic() - began < SOON_S


def test_a_malformed_chunk_in_a_body_does_not_take_the_total_timeout(fetch, origin):
    """
    aiohttp 3.14 tells nobody that its parser gave up.
    """
    url = origin.saying([CHUNKED + b"3\r\nxyz\r\n", b"many\r\nx"])
    (one,) = fetch([url], read_timeout_s=0.3, total_timeout_s=60.0)

    assert one.outcome in {Outcome.READ_TIMEOUT, Outcome.PROTOCOL, Outcome.CUT}
    assert one.seconds < SOON_S


def test_the_origin_is_asked_for_the_very_url_of_the_list(fetch, origin):
    """
    A signed URL is void if a single escape is written another way. What is not ASCII
    has to be encoded.
    """
    asked = {
        "/target/a%2Fb%41~?q=%2C%3a+%20": "/target/a%2Fb%41~?q=%2C%3a+%20",
        "/target/a'(b);=,!*": "/target/a'(b);=,!*",
        "/target/ä": "/target/%C3%A4",
    }
    ended = fetch(map(origin.url, asked))

    assert [body_of(one).decode() for one in ended] == list(asked.values())


def test_an_origin_can_see_who_asks(fetch, origin):
    fetch([origin.url("/bytes/1")], contact="me@example.org")
    headers = origin.requests[-1].headers

    assert headers["user-agent"].startswith("million-downloads/")
    assert "me@example.org" in headers["user-agent"]
    assert headers["accept-encoding"] == "identity"


def test_connections_stay_within_their_number_and_are_used_again(fetch, tmp_path):
    with Origin() as origin:
        urls = [origin.url(f"/bytes/10/{n}") for n in range(200)]
        ended = fetch(urls, connections=4)

    assert {one.outcome for one in ended} == {Outcome.OK}
    assert len(files_below(tmp_path)) == 200
    assert origin.connections <= 4


def test_at_the_deadline_what_is_unfinished_is_unstarted(fetch, tmp_path, origin):
    busy = b"HTTP/1.1 503 No\r\nRetry-After: 30\r\nContent-Length: 0\r\n\r\n"
    urls = [*map(origin.url, ["/bytes/9", "/stall", "/silence"]), origin.saying(busy)]
    began = time.monotonic()
    ended = fetch(urls * 10, deadline_s=1.0, attempts=3)

    assert time.monotonic() - began < SOON_S
    assert {"ok", "unstarted"} == {one.outcome for one in ended}
    whole = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(whole) == sum(one.outcome == "ok" for one in ended)


def test_a_signal_brings_the_deadline_to_now(origin, engine):
    ended = []
    options = Options(engine=engine, allow_private=True, connections=5)
    running = engine_for(options)
    source = Template(origin.url(f"/silence/{engine}{{number}}"), ((0, 20),))
    job = Scheduler(source, Discard(), options, lambda *one: ended.append(one))

    def interrupt():
        origin.wait_for(f"/silence/{engine}", 5)
        os.kill(os.getpid(), signal.SIGUSR1)

    before = signal.signal(signal.SIGUSR1, lambda *_: running.stop())
    helper = threading.Thread(target=interrupt)
    helper.start()
    began = time.monotonic()
    try:
        job.run(running, 60.0)
    finally:
        helper.join()
        signal.signal(signal.SIGUSR1, before)

    assert time.monotonic() - began < SOON_S
    assert [one.outcome for *_, one in ended] == ["unstarted"] * 20


def test_a_process_that_stood_still_blames_no_host_for_that(fetch, origin):
    """
    Lambda freezes an execution that nothing is asked of. What came meanwhile waits in
    the socket: here the rest of a body, once another has asked for its like.
    """
    one, other = origin.together(2)

    def freeze(*_):
        with urlopen(other) as response:
            response.read()
        time.sleep(2.1)

    def interrupt():
        origin.wait_for(urlsplit(one).path)
        time.sleep(0.25)  # until the engine waits, in the middle of a round
        os.kill(os.getpid(), signal.SIGUSR1)

    before = signal.signal(signal.SIGUSR1, freeze)
    helper = threading.Thread(target=interrupt)
    helper.start()
    try:
        (ended,) = fetch([one], read_timeout_s=2.0)
    finally:
        helper.join()
        signal.signal(signal.SIGUSR1, before)

    assert (ended.outcome, ended.detail) == (Outcome.OK, "")
    assert ended.seconds > 2


def test_stopping_before_the_start_or_after_the_end_does_no_harm(origin, engine):
    ended = []
    options = Options(engine=engine, allow_private=True)
    running = engine_for(options)
    running.stop()
    source = Template(origin.url("/silence/{number}"), ((0, 3),))
    job = Scheduler(source, Discard(), options, lambda *one: ended.append(one))
    job.run(running, 60.0)
    running.stop()

    assert [one.outcome for *_, one in ended] == ["unstarted"] * 3


def test_a_mistake_of_ours_surfaces_instead_of_hanging(origin, engine):
    options = Options(engine=engine, allow_private=True)
    urls = [Item(0, origin.url("/bytes/1"))]
    urls += [Item(n, origin.url("/silence")) for n in range(1, 9)]
    mistaken = Mock(side_effect=LookupError("a mistake"))
    began = time.monotonic()

    with pytest.raises(LookupError, match="a mistake"):
        Scheduler(urls, Discard(), options, mistaken).run(engine_for(options), 60.0)
    assert time.monotonic() - began < SOON_S


def test_a_name_server_that_does_not_answer_does_not_delay_the_report(
    fetch, monkeypatch
):
    """
    A report that comes after Lambda's timeout is a report lost.
    """
    names = Names({})
    names.may_answer.clear()
    monkeypatch.setattr(socket, "getaddrinfo", names)
    began = time.monotonic()
    ended = fetch(["http://one.invalid/", "http://two.invalid/"], connect_timeout_s=0.2)
    took_s = time.monotonic() - began
    names.may_answer.set()

    assert took_s < SOON_S
    assert [one.outcome for one in ended] == ["dns"] * 2


@pytest.mark.parametrize(
    ("wait_s", "texts"),
    [
        (120, ["120"]),
        (0, ["0", "", "soon", "-5", "1.5", "٣"]),
        (0, ["Fri, 31 Dec 1999 23:59:59 GMT", "Fri, 99 Dec 9999 99:99:99 GMT"]),
    ],
)
def test_the_wait_that_an_origin_asks_for_is_read(wait_s, texts):
    assert {_retry_after(text) for text in texts} == {wait_s}


@given(st.text(st.characters()) | st.text("0123456789 :,+-GMTDecMonJan", max_size=40))
def test_no_retry_after_is_too_strange_to_read(text):
    assert _retry_after(text) >= 0


def test_a_wait_may_be_given_as_a_date():
    then = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=90)

    assert 85 < _retry_after(format_datetime(then, usegmt=True)) <= 90
