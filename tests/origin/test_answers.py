"""Answers of the origin: the picture asked for, or a sentence that says why not."""

import json
from http.client import HTTPConnection
from urllib.parse import urlsplit

import pytest
from tests.support.raw_http import LIMIT_S, ask, dial, get, receive_all, receive_head

from origin import Origin, answers, jpeg


def test_every_number_is_the_picture_asked_for(origin, connection):
    for number in (0, 17, 999_999):
        url = origin.template(10_000).format(number=number)
        response, body = get(connection, urlsplit(url).path)

        assert response.status == 200
        assert response.headers["Content-Type"] == "image/jpeg"
        assert response.headers["Content-Length"] == "10000"
        assert body == jpeg(10_000)


def test_the_largest_file_arrives_whole(connection):
    _, body = get(connection, "/50000000/1.jpg")

    assert body == jpeg(50_000_000)


def test_a_connection_is_kept_open(connection):
    """New connections would cost more than the files."""
    get(connection, "/1000/1.jpg")
    first = connection.sock
    get(connection, "/nowhere")
    get(connection, "/1000/2.jpg?latency_ms=1")

    assert first is not None
    assert connection.sock is first


def test_requests_sent_ahead_are_answered_in_turn(sock):
    ask(sock, "/2000/1.jpg?latency_ms=20")
    ask(sock, "/3000000/2.jpg")
    ask(sock, "/1000/3.jpg", version="1.0")
    answer = receive_all(sock)

    places = [answer.index(jpeg(size)) for size in (2_000, 3_000_000, 1_000)]
    assert places == sorted(places)


@pytest.mark.parametrize(
    "request_head",
    [
        "GET /1000/1.jpg HTTP/1.0",
        "GET /1000/1.jpg HTTP/1.1\r\nconnection: Close",
        "POST /1000/1.jpg HTTP/1.1",
        "no HTTP at all",
        "GET /" + 70_000 * "x" + " HTTP/1.1",
    ],
)
def test_a_connection_closes_when_nothing_more_can_follow(sock, request_head):
    sock.sendall(f"{request_head}\r\n\r\n".encode())

    assert receive_all(sock).startswith(b"HTTP/1.1 ")


def test_head_gets_the_head_only(connection):
    response, body = get(connection, "/10000/1.jpg", method="HEAD")

    assert response.headers["Content-Length"] == "10000"
    assert body == b""
    assert get(connection, "/10000/1.jpg")[1] == jpeg(10_000)


@pytest.mark.parametrize(
    ("target", "status", "sentence"),
    [
        ("/picture.jpg", 404, "Pictures are at /<bytes>/<number>.jpg"),
        ("/10000/x.jpg", 404, "Nothing is at /10000/x.jpg"),
        ("/999/1.jpg", 400, "999 bytes; it must be from 1,000"),
        ("/50000001/1.jpg", 400, "to 50,000,000"),
        ("/1000/1.jpg?latency=5", 400, "The query has 'latency=5'. It may have"),
        ("/1000/1.jpg?status=200", 400, "status=400..599"),
        ("/1000/1.jpg?cut=yes", 400, "cut=0..1"),
        ("/1000/1.jpg?cut=1&stall=1", 400, "asks for 2 faults"),
        ("/1000/1.jpg?fault_every=3", 400, "asks for 0 faults"),
    ],
)
def test_what_is_not_there_is_refused_with_a_sentence(
    connection, target, status, sentence
):
    response, body = get(connection, target)

    assert response.status == status
    assert sentence in body.decode()


@pytest.mark.parametrize("target", ["/", "/health"])
def test_it_says_what_it_is(connection, target):
    _, body = get(connection, target)

    about = json.loads(body)
    assert about["name"] == "origin"
    assert about["pictures"] == "/<bytes>/<number>.jpg"


def test_what_was_served_is_counted():
    """Whoever doubts the downloader's accounts can hold them against these."""
    with Origin() as origin:
        connection = HTTPConnection(urlsplit(origin.url).netloc, timeout=LIMIT_S)
        for number in range(1, 5):
            get(connection, f"/3000000/{number}.jpg")
        get(connection, "/10000/5.jpg", method="HEAD")
        get(connection, "/10000/5.jpg?status=503")
        get(connection, "/nowhere")
        with dial(origin.url) as sock:
            ask(sock, "/1000/6.jpg?cut=1")
            receive_all(sock)
        connection.close()

        expected = {"requests": 8, "files": 4, "body_bytes": 12_000_500}
        assert origin.stats() == expected


def test_pictures_kept_have_a_limit(monkeypatch):
    """A grid over many sizes must not fill the memory."""
    monkeypatch.setattr(answers, "_CACHE_BYTES", 5_000)
    site = answers.Site()
    for size_bytes in (1_000, 2_000, 1_000, 3_000, 60_000, 2_000):
        answer = site.answer(f"GET /{size_bytes}/1.jpg HTTP/1.1".encode())

        assert bytes(answer.data).endswith(jpeg(size_bytes))
        assert sum(site._cache) == site._cached_bytes <= 5_000


def test_connections_that_end_early_make_no_noise(capfd):
    with Origin() as origin:
        with dial(origin.url) as sock:
            ask(sock, "/20000000/1.jpg?cut=1")
            receive_all(sock)
        for target in (
            "/50000000/1.jpg",
            "/20000000/1.jpg?cut=1",
            "/9000/1.jpg?stall=1",
        ):
            with dial(origin.url) as sock:
                ask(sock, target)
                receive_head(sock)
        connection = HTTPConnection(urlsplit(origin.url).netloc, timeout=LIMIT_S)
        _, body = get(connection, "/1000/1.jpg")
        connection.close()

    assert body == jpeg(1_000)
    assert capfd.readouterr() == ("", "")
