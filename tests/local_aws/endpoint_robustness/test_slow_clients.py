"""The endpoint under clients that are slow, many, half closed or gone."""

import contextlib
import json
import socket
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from tests.support.impatient_endpoint import (
    CREATE,
    HOST,
    LIST,
    PATIENCE_S,
    parsed,
    read_all,
)
from tests.support.lambda_api import connect, eventually, functions_of

MEGABYTE = 1_000_000


def test_bodies_that_never_come_cost_nothing(endpoint):
    """No memory is set aside for what is only declared."""
    before = endpoint.memory
    with contextlib.ExitStack() as stack:
        for _ in range(100):
            talk = stack.enter_context(endpoint.connected())
            talk.sendall(CREATE + b"Content-Length: 70000000\r\n\r\n{")
        grown = endpoint.memory - before

    assert grown < 20 * MEGABYTE


def at_once(wait, rows):
    """Wait for what comes of each row at the same time; return that."""
    with ThreadPoolExecutor(len(rows)) as threads:
        return list(threads.map(wait, rows))


def test_a_request_that_does_not_come_is_waited_for_in_vain_once(endpoint):
    def wait(sent):
        began = time.monotonic()
        with endpoint.connected() as talk:
            talk.sendall(sent)
            for _ in range(sent.count(b"\r\n\r\n")):  # answered first
                assert talk.recv(65_536)
            return read_all(talk), PATIENCE_S / 2 < time.monotonic() - began < 10

    whole = CREATE + b"Content-Length: 2\r\n\r\n{}"
    rows = [b"", b"GET /2015", LIST[:-2], LIST + b"GET /2015", whole + b"GET /2015"]

    assert at_once(wait, rows) == [(b"", True)] * 5


def test_a_request_that_drips_is_given_up_too(endpoint):
    """Patience is for the whole of a head, not for each of its bytes."""
    began = time.monotonic()
    with endpoint.connected() as talk:
        with contextlib.suppress(ConnectionError):
            talk.sendall(LIST[:-2] + b"X: ")
            for _ in range(1_000):
                talk.sendall(b"a")
                time.sleep(PATIENCE_S / 20)
        read_all(talk)

    assert time.monotonic() - began < 10


def test_a_body_that_does_not_come_is_refused(endpoint):
    head = CREATE + b"Content-Length: 100\r\nConnection: close\r\n\r\n"
    for answer in at_once(endpoint.talk, [head, head + b"{"]):
        status, headers, _ = parsed(answer)

        assert status == 408
        assert headers["x-amzn-errortype"] == "requesttimeoutexception"


def test_an_object_that_does_not_come_is_refused_as_s3_does(endpoint):
    head = b"PUT /bucket/key HTTP/1.1\r\nConnection: close\r\nContent-Length: 9\r\n"
    answer = endpoint.talk(head + HOST + b"\r\n123")

    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"<Error><Code>RequestTimeoutException</Code>" in answer


def test_a_slow_body_that_keeps_coming_is_taken(endpoint):
    body = json.dumps({"padding": "x" * 300_000}).encode()
    pieces = [body[start : start + 30_000] for start in range(0, len(body), 30_000)]
    with endpoint.connected() as talk:
        talk.sendall(CREATE + b"Content-Length: %d\r\n\r\n" % len(body))
        for piece in pieces:
            talk.sendall(piece)
            time.sleep(PATIENCE_S / 5)
        status, headers, _ = parsed(talk.recv(65_536))

    assert status == 400
    assert headers["x-amzn-errortype"] == "validationexception"


def test_an_idle_connection_is_kept_longer_than_a_request_is_waited_for(endpoint):
    """A pooled client that finds its connection closed may take its call for lost."""
    body = json.dumps({"padding": "x" * 100_000}).encode()
    chunked = b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"

    def ask_again(pieces):
        with endpoint.connected() as talk:
            for piece in pieces:
                talk.sendall(piece)
                time.sleep(PATIENCE_S / 10)
            first = talk.recv(65_536)
            time.sleep(2 * PATIENCE_S)
            talk.sendall(LIST)
            return first[:9], talk.recv(65_536)[:13]

    rows = [
        [LIST],
        [LIST[:-3], LIST[-3:]],
        [CREATE + b"Content-Length: 100015\r\n\r\n" + body[:9], body[9:]],
        [CREATE + b"Content-Length: 2\r\n\r\n{}"],
        [CREATE + chunked],
    ]

    assert at_once(ask_again, rows) == [(b"HTTP/1.1 ", b"HTTP/1.1 200 ")] * 5


def test_hundreds_of_half_requests_delay_no_other_client(endpoint):
    with contextlib.ExitStack() as stack:
        for _ in range(500):
            talk = stack.enter_context(endpoint.connected())
            talk.sendall(LIST[:-4])
        assert endpoint.is_well()
        eventually(lambda: endpoint.connections <= 1)  # the fixture's own


def test_half_closed_connections_are_closed(endpoint):
    def wait(sent):
        began = time.monotonic()
        endpoint.talk(sent, half_close=True)
        return time.monotonic() - began < 10

    rows = [b"", b"GET /", LIST[:-2], LIST, CREATE + b"\r\n{"]

    assert at_once(wait, rows) == [True] * 5


def test_pipelined_requests_are_answered_in_order_and_in_bounded_memory(endpoint):
    paths = [b"/2015-03-31/functions/f%d" % number for number in range(2_000)]
    sent = b"".join(
        b"GET " + path + b" HTTP/1.1\r\n" + HOST + b"\r\n" for path in paths
    )
    before = endpoint.memory
    answers = endpoint.talk(sent, LIST.replace(HOST, HOST + b"Connection: close\r\n"))
    named = [answers.index(b"function:f%d" % number) for number in (0, 1_000, 1_999)]

    assert answers.count(b"HTTP/1.1 404 ") == len(paths)
    assert named == sorted(named)
    assert endpoint.memory - before < 20 * MEGABYTE


@pytest.fixture(scope="module")
def big_answers(endpoint):
    """A function that answers with five megabytes."""
    with (
        contextlib.closing(connect(endpoint)) as client,
        functions_of(client) as deploy,
    ):
        name = deploy("def run(event, context): return 'x' * 5_000_000\n")
        yield f"/2015-03-31/functions/{name}/invocations"


def test_an_unread_response_is_dropped(endpoint, big_answers):
    invoke = f"POST {big_answers} HTTP/1.1\r\n".encode() + HOST
    with contextlib.ExitStack() as stack:
        for _ in range(8):
            talk = socket.socket()
            talk.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
            talk.connect(("127.0.0.1", endpoint.port))
            stack.enter_context(talk)
            talk.sendall(invoke + b"Content-Length: 2\r\n\r\n{}")
        eventually(lambda: endpoint.connections <= 1, within_s=60)  # the fixture's own


def test_callers_that_hang_up_leave_nothing_behind(endpoint, big_answers):
    invoke = f"POST {big_answers} HTTP/1.1\r\n".encode() + HOST
    for _ in range(20):
        with endpoint.connected() as talk:
            talk.sendall(invoke + b"Content-Length: 2\r\n\r\n{}")
            reset = b"\1\0\0\0\0\0\0\0"  # linger, 0 s
            talk.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, reset)
    eventually(lambda: endpoint.connections <= 1)  # the fixture's own
