"""The Runtime API, asked by what is no runtime: it refuses and goes on."""

import contextlib
import json
import socket

import pytest

from local_aws.local_lambda.runtime import runtime_api

AGENT = (
    "import http.client, os, sys\n"
    "def agent():\n"
    "    frame = sys._getframe()\n"
    "    while 'client' not in frame.f_locals: frame = frame.f_back\n"
    "    return frame.f_locals['agent']\n"
)
API = AGENT + (
    "def run(event, context): return [os.environ['AWS_LAMBDA_RUNTIME_API'], agent()]\n"
)
ERROR = "POST /2018-06-01/runtime/init/error HTTP/1.1"
NEXT = "GET /2018-06-01/runtime/invocation/next HTTP/1.1"


@pytest.fixture(scope="module")
def function(deploy_for_all):
    return deploy_for_all(API)


@pytest.fixture
def environment(function):
    """An environment's address and User-Agent; it must be well after each test."""
    (address, own), _ = function()
    host, _, port = address.rpartition(":")
    yield (host, int(port)), own
    assert function() == ([address, own], None)


@pytest.fixture
def ask(environment):
    """
    Send bytes; return the answer's status and body, once the API has hung up.

    ``OWN`` in them stands for the User-Agent of an environment.
    """
    address, own = environment

    def ask(sent):
        with socket.create_connection(address, timeout=10) as connection:
            connection.sendall(sent.replace(b"OWN", own.encode()))
            received = b"".join(iter(lambda: connection.recv(65_536), b""))
        head, _, body = received.partition(b"\r\n\r\n")
        return int(head.split()[1]), body

    return ask


def text(first, *headers, body=""):
    return "\r\n".join([first, "Host: x", *headers, "", body]).encode()


@pytest.mark.parametrize(
    "sent",
    [
        b"\x16\x03\x01 this is TLS\r\n\r\n",
        b"GET\r\n\r\n",
        b"x" * (runtime_api.HEAD_BYTES + 1),
        text(ERROR, "User-Agent: OWN", "Content-Length: -1"),
        text(ERROR, "User-Agent: OWN", "Content-Length: many"),
        text(ERROR, "User-Agent: OWN", "Transfer-Encoding: chunked", body="0"),
    ],
)
def test_what_no_runtime_says_is_a_bad_request(ask, sent):
    status, body = ask(sent)

    assert status == 400
    assert json.loads(body)["errorType"]


@pytest.mark.parametrize("agent", ["", "curl/8", "env/", f"env/{32 * '0'}"])
def test_an_unknown_environment_is_refused_before_its_body_comes(ask, agent):
    respond = "POST /2018-06-01/runtime/invocation/x/response HTTP/1.1"
    headers = (f"User-Agent: {agent}", "Content-Length: 6000000")

    assert ask(text(NEXT, headers[0]))[0] == ask(text(respond, *headers))[0] == 403


def test_a_head_that_does_not_come_is_waited_for_in_vain_once(environment, monkeypatch):
    address, _ = environment
    monkeypatch.setattr(runtime_api, "HEAD_S", 0.2)
    with socket.create_connection(address, timeout=10) as connection:
        connection.sendall(NEXT.encode())
        received = b""
        with contextlib.suppress(ConnectionError):
            received = connection.recv(1)

    assert received == b""


CALL = AGENT + (
    "def run(event, context):\n"
    "    address = os.environ['AWS_LAMBDA_RUNTIME_API']\n"
    "    connection = http.client.HTTPConnection(address)\n"
    "    method, path, body = event\n"
    "    path = path.replace('OWN', context.aws_request_id)\n"
    "    connection.request(method, path, body, {'User-Agent': agent()})\n"
    "    return connection.getresponse().status\n"
)


@pytest.fixture(scope="module")
def calling(deploy_for_all):
    return deploy_for_all(CALL)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "invocation/other", 404),
        ("GET", "restore/next", 404),
        ("POST", "invocation/next", 404),
        ("POST", "invocation/not-mine/response", 400),
        ("POST", "invocation/not-mine/error", 400),
        ("DELETE", "invocation/OWN/response", 404),
    ],
)
def test_an_environment_that_asks_for_nonsense_is_refused(
    calling, method, path, status
):
    assert calling([method, f"/2018-06-01/runtime/{path}", "{}"]) == (status, None)


@pytest.fixture(scope="module")
def failing(deploy_for_all):
    return deploy_for_all(
        "import os\n"
        "def fall(n): return fall(n + n[:1])\n"
        "def run(event, context):\n"
        "    exec(event)\n"
        "    return os.getpid()\n",
        Timeout=30,
    )


@pytest.mark.parametrize(
    ("failure", "kind"),
    [
        ("fall('x')", "RecursionError"),
        ("raise ValueError('x' * 300_000)", "ValueError"),
        ("raise ValueError('x' * 1_040_000)", "ValueError"),
        ("raise ValueError('x' * 2_000_000)", "ValueError"),
    ],
)
def test_an_exception_with_much_to_tell_leaves_its_environment_warm(
    failing, failure, kind
):
    """Its cause comes in a header, and a refusal would end the process."""
    before, _ = failing("")
    error, _ = failing(failure)

    assert error["errorType"] == kind
    assert failing("") == (before, None)
