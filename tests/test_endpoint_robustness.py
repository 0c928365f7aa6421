"""The endpoint's port under clients that are broken, slow, huge or gone."""

import contextlib
import gzip
import json
import os
import socket
import subprocess
import sys
import time

import psutil
import pytest
from botocore.exceptions import ClientError
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.lambda_api import connect, eventually, request_for

# Instead of half a minute, so that tests need not wait.
PATIENCE_S = 0.4
SERVE = f"""
import asyncio
from rollout.local_aws import main_async
from rollout.local_lambda import http_front
http_front.HEAD_S = http_front.BODY_S = {PATIENCE_S}
http_front.UNREAD_S = http_front.LINGER_S = {PATIENCE_S}
asyncio.run(main_async(on_ready=lambda url: print(url, flush=True)))
"""
HOST = b"Host: localhost\r\n"
LIST = b"GET /2015-03-31/functions/ HTTP/1.1\r\n" + HOST + b"\r\n"
CREATE = b"POST /2015-03-31/functions HTTP/1.1\r\n" + HOST
MEGABYTE = 1_000_000


class Endpoint:
    """An endpoint in a process of its own, and how it is doing."""

    def __init__(self, process, url):
        self.endpoint_url = url
        self.port = int(url.rpartition(":")[2])
        self._process = psutil.Process(process.pid)

    @property
    def memory(self):
        return self._process.memory_full_info().uss

    @property
    def connections(self):
        """How many clients are connected."""
        all_ = self._process.net_connections("tcp")
        here = [each for each in all_ if each.laddr.port == self.port]
        return sum(each.status == psutil.CONN_ESTABLISHED for each in here)

    def talk(self, *sent, half_close=False):
        """Send pieces, and return all that comes until the connection closes."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=15) as talk:
            with contextlib.suppress(ConnectionError):
                for piece in sent:
                    talk.sendall(piece)
                if half_close:
                    talk.shutdown(socket.SHUT_WR)
            return read_all(talk)

    def is_well(self):
        with socket.create_connection(("127.0.0.1", self.port), timeout=15) as talk:
            talk.sendall(LIST.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
            return read_all(talk).startswith(b"HTTP/1.1 200 ")


def read_all(talk):
    received = b""
    with contextlib.suppress(ConnectionError):
        while piece := talk.recv(65_536):
            received += piece
    return received


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory):
    with subprocess.Popen(
        [sys.executable, "-c", SERVE],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"TMPDIR": str(tmp_path_factory.mktemp("tmp"))},
    ) as process:
        try:
            yield Endpoint(process, process.stdout.readline().strip())
        finally:
            process.terminate()


@pytest.fixture(autouse=True)
def _still_well_afterwards(endpoint):
    yield
    assert endpoint.is_well()


@pytest.fixture
def client(endpoint):
    with contextlib.ExitStack() as stack:

        def client(service="lambda"):
            made = connect(endpoint, service)
            stack.callback(made.close)
            return made

        yield client


def parsed(answer):
    """Return an answer's status, headers and JSON."""
    head, _, body = answer.partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in lines[1:])
    return int(lines[0].split()[1]), headers, json.loads(body)


@pytest.mark.parametrize(
    "sent",
    [
        b"\x00\x01\x02\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(300),
        b"GET\r\n\r\n",
        b"FOO / HTTP/1.1\r\n" + HOST + b"\r\n",
        b"GET / HTTP/9.9\r\n" + HOST + b"\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET /2015-03-31/functions/ HTTP/1.1\r\n\r\n",
        b"GET http://[::1 HTTP/1.1\r\n" + HOST + b"\r\n",
        b"GET / HTTP/1.1\r\n" + HOST + b"no colon\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + HOST + b"X: a\x00b\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + HOST + b"X: " + b"a" * 100_000 + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + HOST + b"X: a\r\n" * 1_000 + b"\r\n",
        b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\n" + HOST + b"\r\n",
        CREATE + b"Content-Length: -1\r\n\r\n",
        CREATE + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        CREATE + b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        CREATE + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
    ],
    ids=[
        *("bytes", "TLS", "no-target", "method", "version", "HTTP/2", "no-host"),
        *("bad-url", "no-colon", "null", "long-field", "many-fields", "long-line"),
        *("negative-length", "two-lengths", "length-and-chunks", "chunk-size"),
    ],
)
def test_what_is_not_http_is_refused_and_the_connection_closed(endpoint, sent):
    status, headers, body = parsed(endpoint.talk(sent))

    assert status == 400
    assert headers["x-amzn-errortype"] == "badrequestexception"
    assert body["message"].startswith("Malformed request: ")
    assert "b'" not in body["message"]


@pytest.mark.parametrize(
    "line",
    [
        b"GET /2015-03-31/no-such-thing",
        b"DELETE /2015-03-31/functions",
        b"CONNECT example.org:443",
        b"OPTIONS *",
    ],
)
def test_unknown_operations_are_refused_in_lambdas_way(endpoint, line):
    sent = line + b" HTTP/1.1\r\nConnection: close\r\n" + HOST + b"\r\n"
    status, headers, _ = parsed(endpoint.talk(sent))

    assert status == 404
    assert headers["x-amzn-errortype"] == "unknownoperationexception"


@pytest.mark.parametrize(
    ("service", "operation", "parameters"),
    [
        ("logs", "describe_log_groups", {}),
        ("sts", "get_caller_identity", {}),
        ("iam", "list_users", {}),
    ],
)
def test_unknown_operations_of_other_services_are_errors_boto3_understands(
    client, service, operation, parameters
):
    """
    moto's own answer is a page of HTML, at which boto3 breaks.
    """

    def rename(params, **_):
        if isinstance(params["body"], dict):
            params["body"]["Action"] = "NoSuchThing"
        else:
            params["headers"]["X-Amz-Target"] = "Logs_20140328.NoSuchThing"

    caller = client(service)
    caller.meta.events.register("before-call", rename)
    with pytest.raises(ClientError) as caught:
        getattr(caller, operation)(**parameters)
    error = caught.value.response

    assert error["ResponseMetadata"]["HTTPStatusCode"] == 501
    assert error["Error"]["Code"] == "NotImplementedException"
    assert "moto's server" in error["Error"]["Message"]


def test_a_body_that_is_declared_too_large_is_refused_before_it_comes(endpoint):
    head = CREATE + b"Content-Length: 70167212\r\nConnection: close\r\n\r\n"
    status, headers, body = parsed(endpoint.talk(head))

    assert status == 413
    assert headers["x-amzn-errortype"] == "requestentitytoolargeexception"
    assert body["message"] == (
        "Request must be smaller than 70167211 bytes for the CreateFunction operation"
    )


def test_a_body_without_a_length_is_refused_when_it_becomes_too_large(endpoint):
    chunk = b"100000\r\n" + bytes(0x100000) + b"\r\n"
    head = CREATE + b"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    status, _, _ = parsed(endpoint.talk(head, *[chunk] * 68, b"0\r\n\r\n"))

    assert status == 413


def test_bodies_that_never_come_cost_nothing(endpoint):
    """
    No memory is set aside for what is only declared.
    """
    before = endpoint.memory
    with contextlib.ExitStack() as stack:
        for _ in range(100):
            talk = socket.create_connection(("127.0.0.1", endpoint.port), timeout=15)
            stack.enter_context(talk)
            talk.sendall(CREATE + b"Content-Length: 70000000\r\n\r\n{")
        grown = endpoint.memory - before

    assert grown < 20 * MEGABYTE


@pytest.mark.parametrize(
    "sent", [b"", b"GET /2015", LIST[:-2], LIST + b"GET /2015"], ids=len
)
def test_a_request_that_does_not_come_is_waited_for_in_vain_once(endpoint, sent):
    began = time.monotonic()
    with socket.create_connection(("127.0.0.1", endpoint.port), timeout=15) as talk:
        talk.sendall(sent)
        if sent.startswith(LIST):  # answered first
            assert talk.recv(65_536)
            talk.sendall(b"-03-31/")
        rest = read_all(talk)

    assert rest == b""
    assert PATIENCE_S / 2 < time.monotonic() - began < 10


def test_a_request_that_drips_is_given_up_too(endpoint):
    """
    Patience is for the whole of a head, not for each of its bytes.
    """
    began = time.monotonic()
    with socket.create_connection(("127.0.0.1", endpoint.port), timeout=15) as talk:
        with contextlib.suppress(ConnectionError):
            talk.sendall(LIST[:-2] + b"X: ")
            for _ in range(1_000):
                talk.sendall(b"a")
                time.sleep(PATIENCE_S / 20)
        read_all(talk)

    assert time.monotonic() - began < 10


@pytest.mark.parametrize("start", [b"", b"{"])
def test_a_body_that_does_not_come_is_refused(endpoint, start):
    head = CREATE + b"Content-Length: 100\r\nConnection: close\r\n\r\n"
    status, headers, _ = parsed(endpoint.talk(head + start))

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
    with socket.create_connection(("127.0.0.1", endpoint.port), timeout=15) as talk:
        talk.sendall(CREATE + b"Content-Length: %d\r\n\r\n" % len(body))
        for piece in pieces:
            talk.sendall(piece)
            time.sleep(PATIENCE_S / 5)
        status, headers, _ = parsed(talk.recv(65_536))

    assert status == 400
    assert headers["x-amzn-errortype"] == "validationexception"


def test_an_idle_connection_is_kept_longer_than_a_request_is_waited_for(endpoint):
    """
    A pooled client that finds its connection closed may take its call for lost.
    """
    with socket.create_connection(("127.0.0.1", endpoint.port), timeout=15) as talk:
        talk.sendall(LIST)
        first = talk.recv(65_536)
        time.sleep(2 * PATIENCE_S)
        talk.sendall(LIST)
        second = talk.recv(65_536)

    assert first.startswith(b"HTTP/1.1 200 ")
    assert second.startswith(b"HTTP/1.1 200 ")


def test_hundreds_of_half_requests_hold_up_nobody(endpoint):
    with contextlib.ExitStack() as stack:
        for _ in range(500):
            talk = socket.create_connection(("127.0.0.1", endpoint.port), timeout=15)
            stack.enter_context(talk)
            talk.sendall(LIST[:-4])
        assert endpoint.is_well()
        eventually(lambda: endpoint.connections == 0)


@pytest.mark.parametrize("sent", [b"", b"GET /", LIST[:-2], LIST, CREATE + b"\r\n{"])
def test_half_closed_connections_are_closed(endpoint, sent):
    began = time.monotonic()
    endpoint.talk(sent, half_close=True)

    assert time.monotonic() - began < 10


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


@pytest.fixture
def big_answers(client):
    """A function that answers with five megabytes."""
    functions = client()
    code = "def run(event, context): return 'x' * 5_000_000\n"
    functions.create_function(**request_for("big-answers", code))
    functions.get_waiter("function_active_v2").wait(FunctionName="big-answers")
    yield "/2015-03-31/functions/big-answers/invocations"
    functions.delete_function(FunctionName="big-answers")


def test_an_answer_that_nobody_reads_is_given_up(endpoint, big_answers):
    invoke = f"POST {big_answers} HTTP/1.1\r\n".encode() + HOST
    with contextlib.ExitStack() as stack:
        for _ in range(8):
            talk = socket.socket()
            talk.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
            talk.connect(("127.0.0.1", endpoint.port))
            stack.enter_context(talk)
            talk.sendall(invoke + b"Content-Length: 2\r\n\r\n{}")
        eventually(lambda: endpoint.connections <= 1)  # the fixture's own


def test_callers_that_hang_up_leave_nothing_behind(endpoint, big_answers):
    invoke = f"POST {big_answers} HTTP/1.1\r\n".encode() + HOST
    for _ in range(20):
        with socket.create_connection(("127.0.0.1", endpoint.port)) as talk:
            talk.sendall(invoke + b"Content-Length: 2\r\n\r\n{}")
            reset = b"\1\0\0\0\0\0\0\0"  # linger, 0 s
            talk.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, reset)
    eventually(lambda: endpoint.connections <= 1)  # the fixture's own


def test_compressed_objects_are_stored_as_they_are(client):
    s3 = client("s3")
    packed = gzip.compress(b"text" * 1_000)
    s3.create_bucket(Bucket="packed")
    s3.put_object(Bucket="packed", Key="a", Body=packed, ContentEncoding="gzip")
    got = s3.get_object(Bucket="packed", Key="a")

    assert got["Body"].read() == packed
    assert got["ContentEncoding"] == "gzip"


@settings(max_examples=100)
@given(
    st.one_of(
        st.binary(max_size=300),
        st.builds(
            b"".join,
            st.lists(
                st.sampled_from(
                    [
                        *(b"GET ", b"POST ", b"/2015-03-31/functions", b"/%zz"),
                        *(b"?a=&", b" HTTP/1.1\r\n", b"\r\n", HOST, b"{}"),
                        *(b"Content-Length: 3\r\n", b"3\r\nabc\r\n", b"0\r\n\r\n"),
                        *(b"Transfer-Encoding: chunked\r\n", b"Upgrade: h2c\r\n"),
                        *(b"Connection: Upgrade\r\n", b"Expect: 100-continue\r\n"),
                        b"Authorization: AWS4 \xff\r\n",
                    ]
                ),
                max_size=20,
            ),
        ),
    )
)
def test_whatever_is_sent_the_connection_ends_and_every_answer_is_http(endpoint, sent):
    answer = endpoint.talk(sent, half_close=True)

    assert answer == b"" or answer.startswith(b"HTTP/1.")
    assert b" 500 " not in answer


def test_a_moto_that_has_died_is_named(tmp_path):
    with subprocess.Popen(
        [sys.executable, "-c", SERVE],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"TMPDIR": str(tmp_path)},
    ) as process:
        try:
            endpoint = Endpoint(process, process.stdout.readline().strip())
            (moto,) = psutil.Process(process.pid).children()
            moto.kill()
            moto.wait()
            with contextlib.closing(connect(endpoint, "s3")) as s3:
                says = pytest.raises(ClientError, match=r"moto's server.*is gone")
                with says:
                    s3.list_buckets()
            assert endpoint.is_well()
        finally:
            process.terminate()
