"""
Whom we believe to be who they say they are, and HTTP/2.

In processes of their own, where SSL_CERT_FILE names the authority to trust from the
start, as it would on a machine with a company's own.
"""

import contextlib
import json
import os
import re
import socket
import subprocess
import sys
import threading

import pytest
from tests.support.certificates import Authority
from tests.support.engine_jobs import GOOD, files_below
from tests.support.misbehaving_origin import JPEG, WAIT_S, Origin, sentence

from origin.nginx import _find, is_installed

NGINX = """
{user}
daemon off;
worker_processes 1;
pid nginx.pid;
events {{ worker_connections 512; }}
http {{
  log_format spoken "$server_protocol $http_user_agent";
  access_log log spoken;
  types {{ image/jpeg jpg; }}
  client_body_temp_path 1; proxy_temp_path 2; fastcgi_temp_path 3;
  uwsgi_temp_path 4; scgi_temp_path 5;
  server {{
    listen 127.0.0.1:{port} ssl http2;
    ssl_certificate {certificate};
    ssl_certificate_key {certificate};
    root files;
  }}
}}
"""


@pytest.fixture
def command(engine, tmp_path, authority):
    """Run the `fetcher` command on URLs; return what its report says by URL."""

    def command(urls, *options, trusting=authority.path):
        (tmp_path / "urls.txt").write_text("\n".join(urls))
        ended = subprocess.run(
            [
                *(sys.executable, "-m", "fetcher", str(tmp_path / "urls.txt")),
                *("--to", str(tmp_path / "out"), "--report", str(tmp_path / "report")),
                *("--engine", engine, "--contact", engine),
                *("--attempts", "1", "--allow-private"),
                *options,
            ],
            env=os.environ | {"SSL_CERT_FILE": str(trusting)},
            capture_output=True,
            text=True,
            timeout=WAIT_S,
            check=False,
        )
        assert ended.returncode in {0, 1}, ended.stderr
        lines = (tmp_path / "report").read_text().splitlines()
        assert len(lines) == len(urls)
        return {line["url"]: line for line in map(json.loads, lines)}

    return command


@contextlib.contextmanager
def answering(noise):
    """Give a URL whose first connection is answered with these very bytes."""

    def answer():
        with contextlib.suppress(OSError), listener.accept()[0] as peer:
            peer.recv(65_536)
            peer.sendall(noise)

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
            # Closed in the middle of a handshake: by whom, nobody knows.
            enter(answering(b"")): "tls cut connect",
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


@pytest.fixture(scope="module")
def nginx(authority, tmp_path_factory):
    """Start nginx on a socket opened here, so that no port is fixed or guessed."""
    if not is_installed():
        pytest.skip("nginx is not installed")
    folder = tmp_path_factory.mktemp("nginx")
    (folder / "files").mkdir()
    (folder / "files" / "1.jpg").write_bytes(JPEG.ljust(100_000, b"x"))
    with socket.create_server(("127.0.0.1", 0), backlog=512) as listener:
        port = listener.getsockname()[1]
        (folder / "nginx.conf").write_text(
            NGINX.format(
                # Else its worker is nobody, who may not read what pytest keeps.
                user="" if os.getuid() else "user root;",
                port=port,
                certificate=authority.file(),
            )
        )
        listener.set_inheritable(True)
        with subprocess.Popen(
            [_find(), "-p", str(folder), "-c", "nginx.conf", "-e", "stderr"],
            env={"NGINX": f"{listener.fileno()};"},
            pass_fds=[listener.fileno()],
        ) as process:
            yield folder, f"https://127.0.0.1:{port}"
            process.terminate()


def test_an_origin_that_offers_http_2_is_spoken_to_in_it(
    engine, command, nginx, tmp_path
):
    folder, url = nginx
    urls = [f"{url}/1.jpg?{number}" for number in range(200)]
    report = command(urls, "--connections", "100", "--expect-type", "image/")
    log = (folder / "log").read_text().splitlines()
    spoken = {line.split()[0] for line in log if f"; {engine})" in line}
    bodies = {path.read_bytes() for path in files_below(tmp_path / "out")}

    assert {line["outcome"] for line in report.values()} == {"ok"}
    assert bodies == {JPEG.ljust(100_000, b"x")}
    assert spoken == ({"HTTP/2.0"} if engine == "curl" else {"HTTP/1.1"})
