"""Faults on request: what a picture's query may ask for."""

from time import monotonic
from urllib.parse import urlsplit

import pytest
from tests.support.raw_http import ask, get, receive_all, receive_head

from origin import fault_query, jpeg


def test_latency_is_waited_before_the_answer(connection):
    began = monotonic()
    _, body = get(connection, "/1000/1.jpg?latency_ms=80")

    assert monotonic() - began >= 0.08
    assert body == jpeg(1_000)


def test_waiting_for_one_does_not_hold_up_another(sock, connection):
    ask(sock, "/1000/1.jpg?latency_ms=60000")
    _, body = get(connection, "/1000/1.jpg")

    assert body == jpeg(1_000)


def test_a_status_comes_with_a_short_body(connection):
    response, body = get(connection, "/10000/1.jpg?status=503")

    assert response.status == 503
    assert response.reason == "Service Unavailable"
    assert body == b"The URL asks for status 503.\n"


@pytest.mark.parametrize("size_bytes", [10_000, 20_000_000])
def test_a_cut_body_ends_half_way(sock, size_bytes):
    ask(sock, f"/{size_bytes}/1.jpg?cut=1")
    head, body = receive_all(sock).split(b"\r\n\r\n", 1)

    assert f"Content-Length: {size_bytes}".encode() in head
    assert body == jpeg(size_bytes)[: size_bytes // 2]


def test_a_stalled_body_stops_half_way_until_the_client_leaves(sock):
    ask(sock, "/10000/1.jpg?stall=1")
    _, body = receive_head(sock)
    while len(body) < 5_000:
        body += sock.recv(5_000)
    sock.settimeout(0.1)

    assert body == jpeg(10_000)[:5_000]
    with pytest.raises(TimeoutError):
        sock.recv(1)


def test_a_reset_comes_instead_of_an_answer(sock):
    ask(sock, "/10000/1.jpg?reset=1")

    with pytest.raises(ConnectionResetError):
        sock.recv(1)


def test_every_hundredth_number_meets_the_fault(origin, connection):
    template = urlsplit(origin.template(1_000, status=404, fault_every=100))
    target = f"{template.path}?{template.query}"
    numbers = [
        number
        for number in range(301)
        if get(connection, target.format(number=number))[0].status == 404
    ]

    assert numbers == [0, 100, 200, 300]


def test_a_template_keeps_its_place_for_the_number(origin):
    template = origin.template(10_000, latency_ms=50, cut=True, fault_every=100)

    query = "latency_ms=50&cut=1&fault_every=100"
    assert template == f"{origin.url}/10000/{{number}}.jpg?{query}"
    assert origin.template(10_000) == f"{origin.url}/10000/{{number}}.jpg"


@pytest.mark.parametrize(
    ("size_bytes", "asked", "why"),
    [(999, {}, "999"), (1_000, {"slow": 1}, "slow"), (1_000, {"status": 200}, "200")],
)
def test_a_template_the_origin_would_refuse_is_not_made(origin, size_bytes, asked, why):
    """Better one error here than a million there."""
    with pytest.raises(ValueError, match=why):
        origin.template(size_bytes, **asked)


@pytest.mark.parametrize(
    "query", ["cut=²", "status=" + 5_000 * "5", "=", "cut", "cut=-1"]
)
def test_a_query_that_makes_no_sense_is_refused_in_our_words(query):
    with pytest.raises(ValueError, match="It may have latency_ms"):
        fault_query.parse(query)
