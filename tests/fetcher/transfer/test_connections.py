"""Connections that fail, stall, break or close, beside those that do not."""

import socket
import threading
import time
from email.utils import formatdate
from math import ceil
from pathlib import Path
from urllib.parse import quote

import pytest
from tests.support.bare_server import closed_port, full_port, reset, silence
from tests.support.engine_jobs import SOON_S, body_of, run_alone
from tests.support.misbehaving_origin import CHUNKED, WAIT_S, Origin
from tests.support.outcome_tables import unexpected

from fetcher.contract.outcome import Outcome

THREE = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n"


def test_what_takes_too_long_ends_in_its_time_and_the_good_ones_beside_it_well(
    fetch_beside, origin
):
    """
    All of it in one job, so that the clock runs once.
    """
    with (
        Origin(greeting=silence) as mute,
        Origin(greeting=reset) as resetting,
        closed_port() as closed,
        full_port() as full,
    ):
        ends = {
            f"http://u:hunter2@127.0.0.1:{closed}/": "connect",
            f"http://u:hunter2@127.0.0.1:{full}/": "connect_timeout",
            # Whether connecting has succeeded by then is a matter of microseconds.
            resetting.url("/"): "cut connect",
            mute.url("/"): "read_timeout",
            mute.url("/", "https"): "connect_timeout",
            origin.url("/silence"): "read_timeout",
            origin.url("/stall"): "read_timeout",
            origin.saying(b"HTTP/1.1 2", "wait"): "read_timeout",
            origin.saying(b"HTTP/1.1 200 OK\r\nX-", "wait"): "read_timeout",
            origin.saying(THREE, "wait"): "read_timeout",
            origin.saying(CHUNKED, "wait"): "read_timeout",
            origin.saying(CHUNKED + b"3\r\nxyz\r\n", "wait"): "read_timeout",
            origin.url("/trickle/1000/0.2"): "total_timeout",
            # To libcurl, only whole lines of a head are something that came.
            origin.url("/trickle-head/0.2"): "total_timeout read_timeout",
            origin.url("/endless/0.1"): "total_timeout",
            # To aiohttp, an interim answer is none.
            origin.url("/interim/0.2"): "total_timeout read_timeout",
        }
        ended = fetch_beside(
            list(ends),
            # Far from each other and from the pauses above, so that a busy machine
            # does not confuse them.
            connect_timeout_s=2.0,
            read_timeout_s=2.0,
            total_timeout_s=5.0,
            min_bytes_per_s=0,
        )

    assert unexpected(ends, ended) == {}
    assert max(one.seconds for one in ended) < SOON_S
    assert ended[1].detail == "no connection within 2 s"
    assert not any("hunter2" in one.detail for one in ended)


@pytest.mark.parametrize(
    ("path", "options"),
    [
        ("/endless", {"max_bytes": 1_000_000}),
        ("/bytes/2000001", {"max_bytes": 2_000_000}),
    ],
)
def test_a_body_beyond_the_cap_is_broken_off(fetch_beside, origin, path, options):
    """
    Soon after the cap: an origin that sends as fast as it can does not fill the disk.
    """
    (one,) = fetch_beside([origin.url(path)], **options)

    assert one.outcome is Outcome.TOO_LARGE
    assert one.body_bytes <= 2 * options["max_bytes"]


def test_a_connection_closed_under_the_next_request_is_made_anew(fetch, origin):
    """
    A server may close an idle connection at any moment, this one included; or once it
    has answered, without a word about it.
    """
    urls = [origin.url(f"/hang-up-second/{number}") for number in range(30)]
    before = origin.connections
    ended = fetch(urls, connections=3, attempts=3)
    made = origin.connections - before
    answers = [origin.saying(THREE + b"xyz", then) for then in ("close", "reset")]
    ended += fetch(answers * 10, connections=5, attempts=3)

    assert {(one.outcome, one.body_bytes) for one in ended} == {(Outcome.OK, 3)}
    assert made >= 30


def test_a_port_that_refuses_at_first_is_tried_again(fetch, monkeypatch):
    """
    An origin being restarted is not there for a moment.
    """

    def restart(*_):
        listener.listen()
        answering.start()
        return 0.0

    def answer():
        with listener.accept()[0] as peer:
            peer.recv(1_000)
            peer.sendall(THREE + b"xyz")

    monkeypatch.setattr("fetcher.transfer.scheduler.full_jitter", restart)
    answering = threading.Thread(target=answer)
    with socket.socket() as listener:
        listener.settimeout(WAIT_S)
        listener.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
        (one,) = fetch([url], attempts=2)
        answering.join()

    assert (one.outcome, one.attempts, one.body_bytes) == (Outcome.OK, 2, 3)


@pytest.mark.parametrize("code", [429, 500])
def test_what_fails_twice_and_then_is_fine_ends_well(
    fetch_beside, origin, code, request, monkeypatch
):
    monkeypatch.setattr("fetcher.transfer.scheduler.full_jitter", lambda *_: 0.01)
    url = origin.url(f"/heals/{request.node.name}/0/{code}")
    (one,) = fetch_beside([url], attempts=3)

    assert (one.outcome, one.status, one.attempts) == (Outcome.OK, 200, 3)
    assert body_of(one) == b"xyz"


def test_a_busy_origin_is_asked_again_when_it_said_at_no_cost(fetch, origin, request):
    """
    Without a socket, libcurl's select() comes back at once.
    """
    path = f"/heals/{request.node.name}/1"
    before_s = time.thread_time()
    (one,) = fetch([origin.url(path)], attempts=3)
    spent_s = time.thread_time() - before_s
    first, second, third = (seen.at for seen in origin.seen(path))

    assert (one.outcome, one.attempts) == (Outcome.OK, 3)
    assert min(second - first, third - second) >= 1
    assert spent_s < 0.6  # of two seconds


def test_a_wait_asked_for_as_a_date_is_kept(fetch, origin, request, monkeypatch):
    monkeypatch.setattr("fetcher.transfer.scheduler.full_jitter", lambda *_: 0.01)
    until = ceil(time.time() + 1.0)
    here = time.monotonic()  # before the other clock, which ticks every 10 ms at worst
    until_here = here + until - time.time() - 0.01
    path = f"/heals/{request.node.name}/{quote(formatdate(until, usegmt=True))}"
    (one,) = fetch([origin.url(path)], attempts=3)
    _, second, third = (seen.at for seen in origin.seen(path))

    assert one.outcome is Outcome.OK
    assert until_here <= second <= third


DESCRIPTORS = """
import json, os, sys
from pathlib import Path
from tests.support.engine_jobs import fetch

engine, folder, *urls = sys.argv[1:]
for _ in range(3):
    fetch(engine, urls, Path(folder), deadline_s=0.3)
    print(json.dumps(len(os.listdir("/proc/self/fd"))))
"""


def test_no_descriptor_is_left_open(engine, origin, tmp_path):
    """
    An execution lives on, and has 1,024.
    """
    if not Path("/proc/self/fd").exists():
        pytest.skip("descriptors are not listed here")
    paths = ["/bytes/3", "/hang-up", "/cut/9/1", "/reset/3", "/stall", "/silence"]
    urls = [origin.url(path) for path in paths] * 10
    first, *others = run_alone(DESCRIPTORS, engine, tmp_path, *urls)

    assert others == [first, first]  # which keeps open what it needs for ever
