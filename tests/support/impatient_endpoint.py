"""An endpoint that waits for nobody for long, and bytes as they come over its port."""

import contextlib
import json
import os
import socket

import psutil
from tests.support.child_processes import started

from local_aws.local_lambda.requests.access_keys import KeyPair

# Instead of half a minute, so that tests need not wait.
PATIENCE_S = 0.8
SERVE = """
import asyncio
from local_aws.server import main_async
from local_aws.local_lambda import http_server
http_server.HEAD_S = http_server.BODY_S = http_server.UNREAD_S = {patience_s}
http_server.LINGER_S = 0.4
asyncio.run(main_async(
    on_ready=lambda aws: print(aws.endpoint_url, flush=True), any_credentials=True,
))
"""
HOST = b"Host: localhost\r\n"
LIST = b"GET /2015-03-31/functions/ HTTP/1.1\r\n" + HOST + b"\r\n"
CREATE = b"POST /2015-03-31/functions HTTP/1.1\r\n" + HOST


class Endpoint:
    """An endpoint in a process of its own, and how it is doing."""

    keys = KeyPair.random()  # any are good enough for it

    def __init__(self, process, url):
        self.endpoint_url = url
        self.port = int(url.rpartition(":")[2])
        self.process = psutil.Process(process.pid)

    @property
    def memory(self):
        return self.process.memory_full_info().uss

    @property
    def connections(self):
        """How many clients are connected."""
        all_ = self.process.net_connections("tcp")
        here = [each for each in all_ if each.laddr.port == self.port]
        return sum(each.status == psutil.CONN_ESTABLISHED for each in here)

    def connected(self):
        """Connect to it; nothing is waited for longer than 15 s."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=15)

    def talk(self, *sent, half_close=False):
        """Send pieces, and return all that comes until the connection closes."""
        with self.connected() as talk:
            with contextlib.suppress(ConnectionError):
                for piece in sent:
                    talk.sendall(piece)
                if half_close:
                    talk.shutdown(socket.SHUT_WR)
            return read_all(talk)

    def is_well(self):
        with self.connected() as talk:
            talk.sendall(LIST.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
            return read_all(talk).startswith(b"HTTP/1.1 200 ")


@contextlib.contextmanager
def impatient_endpoint(folder, patience_s=PATIENCE_S):
    """Serve; what is temporary goes into a folder."""
    environ = os.environ | {"TMPDIR": str(folder)}
    with started("-c", SERVE.format(patience_s=patience_s), env=environ) as (
        process,
        line,
    ):
        yield Endpoint(process, line.strip())


def read_all(talk):
    received = b""
    with contextlib.suppress(ConnectionError):
        while piece := talk.recv(65_536):
            received += piece
    return received


def parsed(answer):
    """Return an answer's status, headers and JSON."""
    head, _, body = answer.partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in lines[1:])
    return int(lines[0].split()[1]), headers, json.loads(body)
