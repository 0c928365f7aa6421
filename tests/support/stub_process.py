"""Servers that stand in for Lambda, as processes of their own, and what they saw."""

import asyncio
import contextlib
import json
import urllib.request
from pathlib import Path

from tests.support.child_processes import started

ROOT = Path(__file__).parents[2]
_HEAD_BYTES = 2_000  # no request's head is longer


@contextlib.contextmanager
def running(module, *options):
    """Run a module that calls `serve`; its address has no path."""
    # In a folder where it finds `tests`.
    with started("-m", module, *options, cwd=ROOT) as (_, line):
        yield f"http://127.0.0.1:{int(line)}"


def what_came(url):
    with urllib.request.urlopen(url) as answer:
        return json.load(answer)


class Caller(asyncio.Protocol):
    """A client of a stub; a subclass answers its requests."""

    def connection_made(self, transport):
        self.transport = transport
        self.unread = bytearray()

    def data_received(self, data):
        self.unread += data
        while True:
            head, found, _ = self.unread[:_HEAD_BYTES].partition(b"\r\n\r\n")
            start = len(head) + 4
            end = start + _content_length(head)
            if not found or len(self.unread) < end:
                return
            body = bytes(self.unread[start:end])
            del self.unread[:end]
            if head.startswith(b"GET"):
                self.answer(json.dumps(self.seen_so_far()).encode())
            else:
                self.invoke(body)

    def answer(self, body, status=200, headers=b""):
        self.transport.write(
            b"HTTP/1.1 %d Some\r\n%sContent-Length: %d\r\n\r\n%s"
            % (status, headers, len(body), body)
        )

    def seen_so_far(self):
        """Return the answer to GET."""
        raise NotImplementedError

    def invoke(self, payload):
        """Answer a call."""
        raise NotImplementedError


async def serve(caller):
    """Serve for ever, and print the port; `caller` makes a `Caller` for each client."""
    server = await asyncio.get_running_loop().create_server(
        caller, "127.0.0.1", 0, backlog=4_096
    )
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


def _content_length(head):
    _, found, rest = head.lower().partition(b"\r\ncontent-length:")
    return int(rest.partition(b"\r\n")[0]) if found else 0
