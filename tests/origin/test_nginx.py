"""nginx as an origin: the same files as our own serves, and nothing left behind."""

import os
import select
import shutil
import signal
import socket
import ssl
import subprocess
import sys
from http.client import HTTPConnection, HTTPSConnection
from urllib.parse import urlsplit

import psutil
import pytest

from origin import OriginError, jpeg
from origin.nginx import Nginx, is_installed

SIZES = (1_000, 10_000)
LIMIT_S = 10

needs_nginx = pytest.mark.skipif(not is_installed(), reason="nginx is not installed")


@pytest.fixture(scope="module")
def nginx():
    if not is_installed():
        pytest.skip("nginx is not installed")
    with Nginx(SIZES, https=True) as nginx:
        yield nginx


@pytest.fixture
def trust(nginx):
    context = ssl.create_default_context(cafile=nginx.ca_file)
    context.verify_flags |= ssl.VERIFY_X509_STRICT  # Python 3.13's default
    return context


def get(url, context=None):
    """Return the response and its body."""
    where = urlsplit(url)
    kind = HTTPConnection if where.scheme == "http" else HTTPSConnection
    more = {"context": context} if context else {}
    connection = kind(where.netloc, timeout=LIMIT_S, **more)
    try:
        connection.request("GET", where.path)
        response = connection.getresponse()
        return response, response.read()
    finally:
        connection.close()


@pytest.mark.parametrize("size", SIZES)
def test_every_number_of_a_size_is_the_picture_that_our_own_origin_serves(nginx, size):
    """A run against one can be compared with a run against the other."""
    for number in (0, 7, 999_999):
        response, body = get(nginx.template(size).format(number=number))

        assert response.status == 200
        assert response.headers["Content-Type"] == "image/jpeg"
        assert body == jpeg(size)


@pytest.mark.parametrize("path", ["/", "/1001/0.jpg", "/1000/x.jpg", "/1000/0.jpg/"])
def test_nothing_else_is_there(nginx, path):
    response, _ = get(nginx.url + path)

    assert response.status == 404


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_https_is_verified_with_the_certificate_it_names(nginx, trust, host):
    url = nginx.template(1_000, "https").replace("127.0.0.1", host)

    _, body = get(url.format(number=1), trust)

    assert jpeg(1_000) == body


def test_https_is_refused_by_who_does_not_trust_that_certificate(nginx):
    with pytest.raises(ssl.SSLCertVerificationError):
        get(nginx.template(1_000, "https").format(number=1))


def test_https_offers_http_2(nginx, trust):
    trust.set_alpn_protocols(["h2", "http/1.1"])
    where = urlsplit(nginx.https_url)
    address = (where.hostname, where.port)
    with (
        socket.create_connection(address, timeout=LIMIT_S) as plain,
        trust.wrap_socket(plain, server_hostname=where.hostname) as secure,
    ):
        assert secure.selected_alpn_protocol() == "h2"


def test_it_counts_requests_but_not_those_for_the_count(nginx, trust):
    before = nginx.requests()
    for number in range(5):
        get(nginx.template(1_000).format(number=number))
    get(nginx.template(1_000, "https").format(number=0), trust)

    assert nginx.requests() - before == 6
    assert nginx.requests() - before == 6


@pytest.mark.parametrize(("size", "scheme"), [(1_001, "http"), (1_000, "ftp")])
def test_a_url_it_would_not_answer_is_not_given_out(nginx, size, scheme):
    with pytest.raises(ValueError, match=r"has no files of 1,00\d bytes over \w+\. Na"):
        nginx.template(size, scheme)


@needs_nginx
def test_without_https_there_is_no_template_for_it():
    with Nginx([1_000]) as plain, pytest.raises(ValueError, match="over https"):
        plain.template(1_000, "https")


@needs_nginx
def test_it_listens_on_loopback_and_its_processes_and_folder_go_with_it():
    with Nginx([1_000], https=True) as nginx:
        master = psutil.Process(nginx._process.pid)
        everybody = [master, *master.children()]
        listening = [one.laddr.ip for one in master.net_connections("inet")]
        assert nginx.ca_file.exists()

    assert listening == ["127.0.0.1"] * 2
    assert not any(process.is_running() for process in everybody)
    assert not nginx.ca_file.parent.exists()


@needs_nginx
@pytest.mark.skipif(
    not (shutil.which("setpriv") and hasattr(os, "pidfd_open")),
    reason="it takes Linux, and util-linux's setpriv",
)
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_it_ends_with_who_started_it_however_that_ends(how):
    """A killed run must not leave a server that the next one is measured beside."""
    code = (
        "from origin.nginx import Nginx\n"
        "with Nginx([1_000]) as nginx:\n"
        "    print(nginx._process.pid, nginx._folder, flush=True)\n"
        "    input()\n"
    )
    command = [sys.executable, "-c", code]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, **pipes) as parent:
        pid, folder = parent.stdout.readline().split()
        master = psutil.Process(int(pid))
        everybody = [os.pidfd_open(one.pid) for one in (master, *master.children())]
        os.kill(parent.pid, how)
        ended = [select.select([one], [], [], LIMIT_S)[0] for one in everybody]

    shutil.rmtree(folder)  # nobody was left to do it
    assert len(ended) == 2
    assert all(ended)


@needs_nginx
def test_an_nginx_that_cannot_start_says_why(monkeypatch):
    monkeypatch.setattr("origin.nginx._CONFIG", "nonsense;\n")

    with (
        pytest.raises(OriginError, match=r'It says: .* unknown directive "nonsense"'),
        Nginx([1_000]),
    ):
        pass


def test_nginx_is_found_in_the_sbin_beside_a_folder_on_the_path(monkeypatch, tmp_path):
    """Debian keeps it there, and only root has that on PATH."""
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    assert not is_installed()
    with pytest.raises(OriginError, match=r"no nginx on PATH.*nginx-light"):
        Nginx([1_000])

    (tmp_path / "sbin").mkdir()
    (tmp_path / "sbin" / "nginx").touch(mode=0o755)
    assert is_installed()
