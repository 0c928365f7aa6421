"""A server over bare sockets, in a thread: what the misbehaving origin stands on."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import threading
from time import monotonic
from typing import NamedTuple

WAIT_S = 20  # upper bound of every wait here; nothing takes it unless it is broken


class Request(NamedTuple):
    """One request as it came: the path untouched, the headers in lower case."""

    path: str
    headers: dict[str, str]
    at: float


class BareServer:
    """
    Serves on a free port of loopback, in a thread, until the `with` block ends.

    The first part of a path names the method that answers, the others are its
    arguments: /cut/9/1 is answered by `_cut(writer, "9", "1")`. A method that returns
    something true has said its last word: the connection is closed. So it is for a
    path that no method answers.

    Args:
        ssl: The context to speak TLS with; None: speak plainly.

        host: An address of loopback.

        greeting: Called with the writer of every connection before anything is read;
            something true closes it.
    """

    def __init__(self, ssl=None, host="127.0.0.1", greeting=None):
        self.requests: list[Request] = []
        self.connections = 0
        self.most_at_once = 0  # requests that had not been answered in full
        self._ssl = ssl
        self._host = host
        self._greeting = greeting
        self._came = threading.Condition()
        self._at_once = 0
        self._tasks = set()  # the loop itself holds none

    def __enter__(self):
        self._events = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._events.run_forever)
        self._thread.start()
        self._server = self._call(
            asyncio.start_server(self._serve, self._host, 0, ssl=self._ssl, backlog=512)
        )
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    def __exit__(self, *_):
        self._call(self._close())
        self._events.call_soon_threadsafe(self._events.stop)
        self._thread.join(WAIT_S)
        self._events.close()

    def url(self, path, scheme=None):
        scheme = scheme or ("https" if self._ssl else "http")
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"{scheme}://{host}:{self.port}{path}"

    def seen(self, start):
        """Return the requests whose path starts so."""
        return [request for request in self.requests if request.path.startswith(start)]

    def wait_for(self, start, many=1):
        """Wait until so many requests of this kind have come."""
        with self._came:
            came = self._came.wait_for(lambda: len(self.seen(start)) >= many, WAIT_S)
        assert came, f"expected {many} requests for {start}, got {self.requests}"

    def _call(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self._events).result(WAIT_S)

    async def _close(self):
        # Whoever has been accepted gets a transport in the next round of the loop. In a
        # server that is closed by then, Python 3.11 leaves the socket open instead.
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        self._server.close()
        # Else who neither reads nor goes away, or is in a handshake, would be waited
        # for, or left open when the loop ends.
        for transport in [*self._events._transports.values()]:
            transport.abort()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _serve(self, reader, writer):
        self.connections += 1
        self._tasks.add(asyncio.current_task())
        gone = (OSError, asyncio.IncompleteReadError, asyncio.CancelledError)
        with contextlib.suppress(*gone):
            if not (self._greeting and await self._greeting(writer)):
                await self._answer(reader, writer)
        writer.close()
        with contextlib.suppress(*gone):
            await writer.wait_closed()

    async def _answer(self, reader, writer):
        while head := await reader.readuntil(b"\r\n\r\n"):
            first, *lines = head.decode("latin-1").rstrip().split("\r\n")
            path = first.split(" ")[1]
            headers = dict(line.lower().split(": ", 1) for line in lines)
            with self._came:
                self.requests.append(Request(path, headers, monotonic()))
                self._came.notify_all()
            kind, *rest = path.removeprefix("/").split("/")
            answer = getattr(self, "_" + kind.replace("-", "_"), _close)
            self._at_once += 1
            self.most_at_once = max(self.most_at_once, self._at_once)
            try:
                if await answer(writer, *rest):
                    return
            finally:
                self._at_once -= 1

    async def _send(self, writer, status=200, body=b"", **headers):
        headers = {"Content_Type": "image/jpeg"} | headers
        lines = "".join(
            f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items()
        )
        length = "" if "Content_Length" in headers else f"Content-Length: {len(body)}"
        start = f"HTTP/1.1 {status} Whatever\r\n{lines}{length}".rstrip()
        writer.write(start.encode("latin-1") + b"\r\n\r\n" + body)
        await writer.drain()


async def _close(_writer, *_):
    return True


async def silence(_writer):
    """Say nothing for ever."""
    await asyncio.Event().wait()


async def reset(writer):
    """Break the connection off with RST instead of FIN."""
    sock = writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
    return True


@contextlib.contextmanager
def closed_port():
    """Give the number of a port on which nobody listens, nor can."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()[1]


@contextlib.contextmanager
def full_port():
    """Give the number of a port that takes no more connections: SYNs go unanswered."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(4):
            waiting = stack.enter_context(socket.socket())
            waiting.settimeout(0)
            waiting.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]
