import asyncio
import io
import json
import os
import signal
import socket
import subprocess
import sys
from bisect import bisect_left
from http.client import HTTPConnection
from time import monotonic
from urllib.parse import urlsplit

import aiohttp
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image

from rollout.origin import Origin, OriginError, answers, faults, jpeg, picture, process

LIMIT_S = 10
COMMAND = [sys.executable, "-m", "rollout.origin"]


@pytest.fixture(scope="module")
def origin():
    with Origin() as origin:
        yield origin


@pytest.fixture
def connection(origin):
    connection = HTTPConnection(urlsplit(origin.url).netloc, timeout=LIMIT_S)
    yield connection
    connection.close()


@pytest.fixture
def sock(origin):
    with dial(origin.url) as sock:
        yield sock


def dial(url):
    where = urlsplit(url)
    return socket.create_connection((where.hostname, where.port), timeout=LIMIT_S)


def get(connection, path, method="GET"):
    """Return the response and its body; the connection stays open."""
    connection.request(method, path)
    response = connection.getresponse()
    return response, response.read()


def ask(sock, target, version="1.1"):
    sock.sendall(f"GET {target} HTTP/{version}\r\nHost: here\r\n\r\n".encode())


def receive_all(sock):
    return b"".join(iter(lambda: sock.recv(1_000_000), b""))


def receive_head(sock):
    """Return the head, and what of the body came along."""
    received = b""
    while b"\r\n\r\n" not in received:
        received += sock.recv(65_536)
    return received.split(b"\r\n\r\n", 1)


# Pictures


@settings(deadline=None, max_examples=60)
@given(st.integers(1_000, 400_000))
@example(1_000)
@example(1_001)
@example(1_700_000)
@example(50_000_000)
def test_a_picture_has_the_exact_size_and_decodes_whole(size_bytes):
    """
    Sizes are what experiments vary; a file that only looks like a JPEG would make
    whoever decodes the downloads doubt the downloader.
    """
    data = jpeg(size_bytes)

    assert size_bytes == len(data)
    assert data.endswith(b"\xff\xd9")
    with Image.open(io.BytesIO(data)) as image:
        assert image.format == "JPEG"
        image.load()
        assert len(set(image.convert("L").tobytes())) > 50


def test_noise_leaves_room_for_padding_where_it_is_scarcest():
    """
    A Pillow that compresses less well would break a few sizes, and only those.
    """
    sizes = range(1_000, 400_000)
    scarcest = [
        sizes[bisect_left(sizes, side, key=picture._side)]
        for side in range(16, 500, 16)
    ]

    assert [len(jpeg(size_bytes)) for size_bytes in scarcest] == scarcest


def test_a_picture_grows_with_its_size():
    sides = [
        Image.open(io.BytesIO(jpeg(size_bytes))).width
        for size_bytes in (1_000, 10_000, 100_000, 1_000_000)
    ]

    assert sorted(set(sides)) == sides


def test_a_picture_is_the_same_each_time():
    """
    Checksums can be worked out once, anywhere.
    """
    assert jpeg(20_000) == jpeg(20_000)


@pytest.mark.parametrize("size_bytes", [-1, 0, 999, 50_000_001])
def test_a_size_out_of_range_is_refused_with_the_range(size_bytes):
    with pytest.raises(ValueError, match=r"from 1,000 to 50,000,000") as refusal:
        jpeg(size_bytes)

    assert f"{size_bytes:,} bytes" in str(refusal.value)


# Answers


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
    """
    New connections would cost more than the files.
    """
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
        ("/999/1.jpg", 400, "999 bytes was asked for; it must have from 1,000"),
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
    assert about["name"] == "rollout.origin"
    assert about["pictures"] == "/<bytes>/<number>.jpg"


def test_what_was_served_is_counted():
    """
    Whoever doubts the downloader's accounts can hold them against these.
    """
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
    """
    A grid over many sizes must not fill the memory.
    """
    monkeypatch.setattr(answers, "_CACHE_BYTES", 5_000)
    site = answers.Site()
    for size_bytes in (1_000, 2_000, 1_000, 3_000, 60_000, 2_000):
        answer = site.answer(f"GET /{size_bytes}/1.jpg HTTP/1.1".encode())

        assert bytes(answer.data).endswith(jpeg(size_bytes))
        assert sum(site._kept) == site._kept_bytes <= 5_000


# Faults


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
    """
    Better one error here than a million there.
    """
    with pytest.raises(ValueError, match=why):
        origin.template(size_bytes, **asked)


@pytest.mark.parametrize(
    "query", ["cut=²", "status=" + 5_000 * "5", "=", "cut", "cut=-1"]
)
def test_a_query_that_makes_no_sense_is_refused_in_our_words(query):
    with pytest.raises(ValueError, match="It may have latency_ms"):
        faults.parse(query)


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


# The process


def is_refused(url):
    try:
        dial(url).close()
    except ConnectionRefusedError:
        return True
    return False


def test_nothing_is_left_after_the_block():
    with Origin() as origin:
        pass

    assert origin._process.returncode == 0
    assert is_refused(origin.url)


def test_an_origin_that_hangs_is_killed(monkeypatch):
    monkeypatch.setattr(process, "_STOP_LIMIT_S", 0.2)
    with Origin() as origin:
        origin._process.send_signal(signal.SIGSTOP)

    assert origin._process.returncode == -signal.SIGKILL


def test_it_outlives_no_parent():
    """
    A notebook's kernel may be killed at any moment.
    """
    script = (
        "from rollout.origin import Origin\n"
        "with Origin() as origin:\n"
        "    print(origin.url, flush=True)\n"
        "    input()\n"
    )
    command = [sys.executable, "-c", script]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as parent:
        url = parent.stdout.readline().strip()
        with dial(url) as sock:
            parent.kill()

            assert sock.recv(1) == b""  # comes when the origin's process has ended
    assert is_refused(url)


def test_an_interrupt_meant_for_us_leaves_it_alone(origin):
    """
    Jupyter interrupts a cell by a SIGINT to the kernel's process group.
    """
    assert os.getpgid(origin._process.pid) != os.getpgrp()


def test_a_taken_port_is_named(origin):
    port = urlsplit(origin.url).port

    with pytest.raises(OriginError, match=f"cannot have port {port} .* in use"):
        Origin(port).__enter__()


def test_a_chosen_port_is_kept():
    with Origin() as first:
        port = urlsplit(first.url).port
    with Origin(port) as second:
        assert first.url == second.url


def test_a_process_that_dies_at_once_is_reported(monkeypatch):
    monkeypatch.setattr(sys, "executable", "/bin/false")

    with pytest.raises(OriginError, match=r"does not answer.* ended with 1"):
        Origin().__enter__()


def test_it_can_be_used_in_an_asyncio_program():
    async def download():
        with Origin() as origin:
            url = origin.template(10_000).format(number=1)
            async with aiohttp.ClientSession() as session, session.get(url) as response:
                return await response.read()

    assert asyncio.run(download()) == jpeg(10_000)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_command_says_where_it_is_and_ends_when_told(number):
    with subprocess.Popen(COMMAND, stdin=subprocess.DEVNULL, stdout=-1) as command:
        url = json.loads(command.stdout.readline())["origin_url"]
        with dial(url) as sock:
            ask(sock, "/1000/1.jpg", version="1.0")

            assert receive_all(sock).endswith(jpeg(1_000))
        command.send_signal(number)

        assert command.stdout.read() == b""
    assert command.returncode == 0


def test_the_command_ends_with_its_stdin_if_asked():
    arguments = [*COMMAND, "--until-stdin-closes"]
    with subprocess.Popen(arguments, stdin=-1, stdout=-1) as command:
        command.stdout.readline()
        command.stdin.write(b"anything")
        command.stdin.close()

        assert command.wait(LIMIT_S) == 0


@pytest.mark.parametrize("port", ["taken", "70000"])
def test_the_command_names_a_port_it_cannot_have(origin, port):
    port = port.replace("taken", str(urlsplit(origin.url).port))
    done = subprocess.run(
        [*COMMAND, "--port", port],
        check=False,
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
    )

    assert done.returncode == 2
    assert done.stdout == ""
    assert f"cannot have port {port}" in done.stderr
