"""
Whom we believe to be who they say they are, and HTTP/2.

In processes of their own, where SSL_CERT_FILE names the authority to trust from the
start, as it would on a machine with a company's own.
"""

import contextlib
import re
import socket
import struct
import threading
from urllib.request import urlopen

import pytest
from tests.support.certificates import Authority
from tests.support.engine_jobs import GOOD, files_below
from tests.support.misbehaving_origin import WAIT_S, Origin, sentence
from tests.support.running_command import Run

from origin import jpeg
from origin.nginx import Nginx, is_installed


@pytest.fixture
def command(engine, tmp_path, authority, monkeypatch):
    """Run the `fetcher` command on URLs; return what its report says by URL."""

    def command(urls, *options, trusting=authority.path):
        monkeypatch.setenv("SSL_CERT_FILE", str(trusting))
        run = Run(tmp_path, urls)
        with run.start("--engine", engine, "--attempts", "1", *options):
            status, _ = run.finish()
        assert status in {0, 1}, run.err
        assert len(run.told()) == len(urls)
        return run.told()

    return command


@contextlib.contextmanager
def answering(noise, *, is_reset=False):
    """Give a URL whose first connection is answered with these very bytes, and ends."""

    def answer():
        with contextlib.suppress(OSError), listener.accept()[0] as peer:
            peer.recv(65_536)
            peer.sendall(noise)
            linger = struct.pack("ii", is_reset, 0)
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(WAIT_S)
        thread = threading.Thread(target=answer)
        thread.start()
        yield f"https://127.0.0.1:{listener.getsockname()[1]}/"
        thread.join(WAIT_S)


def test_only_a_certificate_that_is_right_in_every_respect_is_accepted(
    command, authority, tmp_path
):
    """
    And downloads beside the bad ones, from an origin that is trusted, end well: none
    waits for another, though one connection might have served them all with HTTP/2.

    A certificate may leave out its signer's key, as those of companies' own
    authorities do: Python 3.13 would refuse them by itself. Nor does it matter how the
    scheme is spelt.
    """
    stranger = Authority(tmp_path)
    with contextlib.ExitStack() as stack:
        enter = stack.enter_context
        good = enter(Origin(authority.context()))
        keyless = enter(Origin(authority.context(identified=False)))
        untrusted = {  # and what is said of them
            enter(Origin(context)).url("/bytes/3"): said
            for context, said in (
                (authority.context(signed=False), "self.signed"),
                (authority.context("other.example"), "match"),
                (authority.context(days_old=30), "expired"),
                (authority.context("127.0.0.2"), ""),
                (authority.context(days_old=-30), ""),
                (stranger.context(), ""),
            )
        }
        ends = dict.fromkeys(untrusted, "tls") | {
            enter(answering(b"HTTP/1.1 400 Bad Request\r\n\r\n")): "tls",
            enter(answering(b"220 mail.example ESMTP ready\r\n")): "tls",
            enter(answering(b"\x15\x03\x03\x00\x02\x02\x28")): "tls",  # an alert
            # In the middle of a handshake: by whom, nobody knows.
            enter(answering(b"")): "cut",
            enter(answering(b"", is_reset=True)): "cut",
            enter(answering(b"\x16\x03\x03\x00\x7a\x02")): "cut",
            good.url("/bytes/3", "http"): "protocol cut",
            good.url("/cut/9/3"): "cut",
            good.url("/reset/3"): "cut",
            keyless.url("/bytes/3", "HTTPS"): "ok",
            keyless.url("/bytes/4"): "ok",
        }
        urls = [*ends, *good.together(GOOD)]
        report = command(urls, "--connections", str(len(urls)), "--deadline", "10")
    wrong = [
        line
        for url, line in report.items()
        if line["outcome"] not in ends.get(url, "ok").split()
        or not re.search(untrusted.get(url, ""), line["detail"].lower())
        or not (line["outcome"] == "ok" or sentence(line["detail"]))
    ]

    assert wrong == []
    assert len(files_below(tmp_path / "out")) == GOOD + 2


def test_an_authority_below_another_is_believed_if_that_one_is_not_named(
    command, tmp_path
):
    for name in ("above", "below"):
        (tmp_path / name).mkdir()
    below = Authority(tmp_path / "below", Authority(tmp_path / "above"))
    with Origin(below.context()) as origin:
        report = command([origin.url("/bytes/3")], trusting=below.path)

    assert report[origin.url("/bytes/3")]["outcome"] == "ok"


@pytest.mark.skipif(not is_installed(), reason="nginx is not installed")
def test_an_origin_that_offers_http_2_is_spoken_to_in_it(engine, command, tmp_path):
    """
    Then few connections serve them all.
    """
    with Nginx([100_000], https=True) as nginx:
        template = nginx.template(100_000, "https")
        urls = [template.format(number=number) for number in range(200)]
        options = ("--connections", "100", "--expect-type", "image/")
        report = command(urls, *options, trusting=nginx.ca_file)
        with urlopen(f"{nginx.url}/stats") as answer:
            accepted = int(answer.read().split()[7])

    assert {line["outcome"] for line in report.values()} == {"ok"}
    assert {p.read_bytes() for p in files_below(tmp_path / "out")} == {jpeg(100_000)}
    assert len(files_below(tmp_path / "out")) == 200
    assert (accepted < 20) == (engine == "curl")
