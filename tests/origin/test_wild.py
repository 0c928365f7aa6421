"""A wild origin: hosts that behave as their fates say, and a checker that knows."""

import io
import math
import socket
import ssl
import sys
from collections import Counter
from time import monotonic
from urllib.parse import urlsplit

import pytest
from PIL import Image
from tests.support.raw_http import LIMIT_S, receive_all

from origin.wild import Web, WildOrigin, answers, check
from origin.wild.answers import WildSite
from origin.wild.fates import FATES
from origin.wild.pictures import picture

SILENCE_S = 0.2  # of hosts that would answer at once, had they anything to say
EVERY_FATE = dict.fromkeys(FATES, 1 / len(FATES))


pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="only Linux has all of 127.0.0.0/8"
)


@pytest.fixture(scope="module")
def wild():
    with WildOrigin(len(FATES), 11, shares=EVERY_FATE, delays=False) as wild:
        yield wild


@pytest.fixture
def url_of(wild):
    urls = {url.fate: url for url in wild.web.urls}
    return urls.__getitem__


def dialled(wild, url):
    return socket.create_connection((url.host, wild.port), timeout=LIMIT_S)


def received(wild, url, expect=math.inf):
    """
    Return all that comes until the end, or until the host falls silent.

    Silence counts once so many bytes of a body have come.
    """
    data = b""
    with dialled(wild, url) as sock:
        sock.sendall(f"GET {url.path} HTTP/1.1\r\nHost: {url.host}\r\n\r\n".encode())
        try:
            while True:
                has_all = len(data.partition(b"\r\n\r\n")[2]) >= expect
                sock.settimeout(SILENCE_S if has_all else LIMIT_S)
                if not (chunk := sock.recv(65_536)):
                    break
                data += chunk
        except TimeoutError:
            return data, "silence"
        except ConnectionResetError:
            return data, "reset"
    return data, "end"


def test_a_seed_gives_the_same_list_with_the_shares_of_a_real_one():
    web, other = Web(), Web(seed=2)

    assert Web().urls == web.urls != other.urls
    assert len(set(web.lines(80))) == len(web.urls) == 4_000
    assert len(web.hosts) == 1_133
    dead = sum(not url.good for url in web.urls)
    fates = Counter(url.fate for url in web.urls)
    assert 0.26 <= dead / 4_000 <= 0.28
    assert fates["limited"] + fates["flaky"] == 120
    assert sum(fates[fate] for fate in ("dropped", "mute", "stall", "drip")) == 180


@pytest.mark.parametrize(
    ("urls", "hosts", "shares", "message"),
    [
        (100, 200, None, r"200 hosts; for 100 URLs of 10 kinds .* from 10 to 100\."),
        (100, 10, {"gone": 1}, "The fate gone is unknown; it must be in good, "),
        (100, 10, {"good": 0.5}, r"shares sum to 0\.5; they must sum to 1\."),
    ],
)
def test_a_web_that_cannot_be_is_refused(urls, hosts, shares, message):
    with pytest.raises(ValueError, match=message):
        Web(urls, hosts, shares=shares)


@pytest.mark.parametrize("kind", ["jpeg", "png", "webp"])
@pytest.mark.parametrize("size", [5_000, 200_002])
def test_a_picture_is_valid_and_no_other_has_its_bytes(kind, size):
    body = picture(kind, size, 1)

    assert len(body) == size
    with Image.open(io.BytesIO(body)) as image:
        image.load()
        assert image.format == kind.upper()
    assert body != picture(kind, size, 2)


@pytest.mark.parametrize("fate", ["good", "mistyped"])
def test_a_good_url_gives_its_bytes(wild, url_of, fate):
    data, _ = received(wild, url_of(fate), url_of(fate).size_bytes)

    assert data.endswith(b"\r\n\r\n" + url_of(fate).body())


def test_head_has_no_body_and_a_connection_closes_when_asked_to(wild, url_of):
    url = url_of("good")
    length = f"Content-Length: {url.size_bytes}\r\n".encode()
    with dialled(wild, url) as sock:
        sock.sendall(f"HEAD {url.path} HTTP/1.1\r\n\r\n".encode())
        sock.sendall(f"GET {url.path} HTTP/1.0\r\n\r\n".encode())
        answers = receive_all(sock)

    head, got_head, body = answers.split(b"\r\n\r\n", 2)
    assert head == got_head
    assert length in head + b"\r\n"
    assert body == url.body()


@pytest.mark.parametrize("fate", ["stall", "cut", "drip"])
def test_what_befalls_bodies_does_not_befall_head(wild, url_of, fate):
    url = url_of(fate)
    with dialled(wild, url) as sock:
        sock.sendall(f"HEAD {url.path} HTTP/1.1\r\nConnection: close\r\n\r\n".encode())
        answer = receive_all(sock)

    assert answer.startswith(b"HTTP/1.1 200 ")
    assert answer.endswith(b"\r\n\r\n")


@pytest.mark.parametrize(
    ("sent", "status"),
    [(b"nonsense\r\n\r\n", 400), (b"PUT / HTTP/1.1\r\n\r\n", 501)],
)
def test_what_is_no_request_is_refused_and_the_connection_closed(
    wild, url_of, sent, status
):
    with dialled(wild, url_of("good")) as sock:
        sock.sendall(sent)

        assert receive_all(sock).startswith(b"HTTP/1.1 %d " % status)


@pytest.mark.parametrize(
    ("fate", "share", "end"),
    [
        ("mute", 0, "silence"),
        ("stall", 0.5, "silence"),
        ("cut", 0.5, "end"),
        ("reset", 0, "reset"),
    ],
)
def test_a_dead_url_gives_a_part_or_nothing(wild, url_of, fate, share, end):
    size = int(url_of(fate).size_bytes * share)
    expect = size if end == "silence" else math.inf
    data, how = received(wild, url_of(fate), expect)

    body = data.partition(b"\r\n\r\n")[2]
    assert (how, body) == (end, url_of(fate).body()[: len(body)])
    assert len(body) == size
    assert wild.requests()[url_of(fate).host] >= 1


def test_a_drip_gives_a_byte_and_the_next_a_second_later(wild, url_of):
    began = monotonic()
    data, how = received(wild, url_of("drip"), expect=2)

    assert monotonic() - began > 1
    assert how == "silence"
    assert 2 <= len(data.partition(b"\r\n\r\n")[2]) < url_of("drip").size_bytes


@pytest.mark.parametrize(
    ("fate", "error", "within_s"),
    [
        ("dropped", TimeoutError, SILENCE_S),
        ("refused", ConnectionRefusedError, LIMIT_S),
    ],
    ids=["answers no SYN", "refuses"],
)
def test_a_dead_host_lets_nobody_connect(wild, url_of, fate, error, within_s):
    with pytest.raises(error):
        socket.create_connection((url_of(fate).host, wild.port), within_s)


def test_nobody_trusts_a_tls_host_and_its_connections_count(wild, url_of):
    url = url_of("tls")
    assert urlsplit(url.url(wild.port)).scheme == "https"
    trusting = ssl.create_default_context()
    with dialled(wild, url) as sock, pytest.raises(ssl.SSLCertVerificationError):
        trusting.wrap_socket(sock, server_hostname=url.host)

    assert wild.connections()[url.host] == 1


def statuses(fate, times):
    """Return the statuses of as many answers."""
    web = Web(1, 1, shares={fate: 1})
    site = WildSite(web)
    (url,) = web.urls
    sent = [bytes(site.answer(url.host, url.path).data) for _ in range(times)]
    return [int(one.split()[1]) for one in sent], sent


def test_a_limited_host_asks_what_is_too_much_to_come_again_in_a_second(monkeypatch):
    monkeypatch.setattr(answers, "monotonic", lambda: 0.0)
    found, sent = statuses("limited", 6)

    assert found == [200] * 5 + [429]
    assert b"\r\nRetry-After: 1\r\n" in sent[-1]


@pytest.mark.parametrize(
    ("fate", "expected"),
    [("flaky", [503, 200]), ("404", [404]), ("410", [410]), ("parked", [200])],
)
def test_other_statuses_are_as_the_fate_says(fate, expected):
    found, sent = statuses(fate, len(expected))

    assert found == expected
    assert (fate == "parked") == (b"for sale" in sent[-1])


def test_the_checker_counts_by_bytes(tmp_path):
    web = Web(8, 2, shares={"good": 0.75, "parked": 0.25})
    good = [url for url in web.urls if url.good]
    whole, under_another_name, cut, unfinished, hidden, _ = good
    parked = next(url for url in web.urls if url.fate == "parked")
    for url, name, data in (
        (whole, whole.path, whole.body()),
        (under_another_name, "", under_another_name.body()),
        (cut, cut.path, cut.body()[:-1]),
        (unfinished, unfinished.path, b"half"),
        (hidden, f"/images/.{hidden.number}.jpg", b"half"),
        (parked, parked.path, b"<html>"),
    ):
        path = tmp_path / (name or f"/a/{url.number:09}.jpg").removeprefix("/")
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(data)
    (tmp_path / f"{unfinished.path.removeprefix('/')}.aria2").touch()

    found = check(tmp_path, web)
    assert set(found.good) == {whole.number, under_another_name.number}
    assert found.missing == {"good": 4}
    assert found.junk == {"good": 1, "parked": 1}
    assert found.seconds_until(1, started_at=0) == max(found.good.values())
