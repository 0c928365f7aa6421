"""An origin on this machine, over bare sockets, that misbehaves as its paths say."""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket
import struct
import threading
from collections import Counter
from contextlib import contextmanager
from time import monotonic
from typing import NamedTuple
from urllib.parse import unquote

WAIT_S = 20  # upper bound of every wait here; nothing takes it unless it is broken

_CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


class Request(NamedTuple):
    """One request as it came: the path untouched, the headers in lower case."""

    path: str
    headers: dict[str, str]
    at: float


class Origin:
    """
    Serves on a free port of loopback, in a thread, until the `with` block ends.

    * /bytes/N[/...]          N bytes
    * /status/CODE            that status
    * /retry-after/CODE/TEXT  that status, with Retry-After
    * /heals/NAME/WAIT        503 and Retry-After twice, then 3 bytes
    * /trickle/N/PAUSE        N bytes, one at a time
    * /cut/PROMISED/SENT      closes before Content-Length is reached
    * /cut-chunked            closes before the last chunk
    * /bad-chunk              a chunk whose length is no number
    * /reset/N                N bytes of many more, then RST
    * /hang-up                closes without an answer
    * /silence[/...]          takes the request, says nothing
    * /stall                  half of a body, then nothing
    * /loop                   redirects to itself
    * /chain/N                N redirects, then 3 bytes
    * /to/URL                 redirects there
    * /type/TEXT              3 bytes of that Content-Type; none if TEXT is empty
    * /endless                a body without end
    * /not-http               something that is not HTTP
    * /target/...             the request's own path as the body
    """

    def __init__(self, ssl=None):
        self.requests: list[Request] = []
        self.connections = 0
        self._ssl = ssl
        self._came = threading.Condition()
        self._healing = Counter()
        self._tasks = set()  # the loop itself holds none

    def __enter__(self):
        self._events = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._events.run_forever)
        self._thread.start()
        self._server = self._call(
            asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self._ssl)
        )
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    def __exit__(self, *_):
        self._call(self._close())
        self._events.call_soon_threadsafe(self._events.stop)
        self._thread.join(WAIT_S)
        self._events.close()

    def url(self, path, scheme="http"):
        return f"{scheme}://127.0.0.1:{self.port}{path}"

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
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader, writer):
        self.connections += 1
        self._tasks.add(asyncio.current_task())
        gone = (OSError, asyncio.IncompleteReadError, asyncio.CancelledError)
        with contextlib.suppress(*gone):
            while head := await reader.readuntil(b"\r\n\r\n"):
                first, *lines = head.decode("latin-1").rstrip().split("\r\n")
                path = first.split(" ")[1]
                headers = dict(line.lower().split(": ", 1) for line in lines)
                with self._came:
                    self.requests.append(Request(path, headers, monotonic()))
                    self._came.notify_all()
                kind, *rest = path.removeprefix("/").split("/")
                answer = getattr(self, "_" + kind.replace("-", "_"))
                if await answer(writer, *rest):
                    break
        writer.close()
        with contextlib.suppress(*gone):
            await writer.wait_closed()

    async def _send(self, writer, status=200, body=b"", **headers):
        headers = {"Content_Type": "image/jpeg"} | headers
        lines = "".join(
            f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items()
        )
        length = "" if "Content_Length" in headers else f"Content-Length: {len(body)}"
        start = f"HTTP/1.1 {status} Whatever\r\n{lines}{length}".rstrip()
        writer.write(start.encode("latin-1") + b"\r\n\r\n" + body)
        await writer.drain()

    async def _bytes(self, writer, many, *_):
        await self._send(writer, body=b"x" * int(many))

    async def _status(self, writer, code):
        await self._send(writer, code, b"because")

    async def _retry_after(self, writer, code, text):
        await self._send(writer, code, b"later", Retry_After=unquote(text))

    async def _heals(self, writer, name, wait):
        self._healing[name] += 1
        if self._healing[name] < 3:
            await self._send(writer, 503, Retry_After=wait)
        else:
            await self._send(writer, body=b"xyz")

    async def _trickle(self, writer, many, pause):
        await self._send(writer, Content_Length=many)
        for _ in range(int(many)):
            await asyncio.sleep(float(pause))
            writer.write(b"x")
            await writer.drain()

    async def _cut(self, writer, promised, sent):
        await self._send(writer, body=b"x" * int(sent), Content_Length=promised)
        return True

    async def _cut_chunked(self, writer):
        writer.write(_CHUNKED + b"3\r\nxyz\r\n")
        return True

    async def _bad_chunk(self, writer):
        writer.write(_CHUNKED + b"3\r\nxyz\r\n")
        await asyncio.sleep(0.05)  # so that the headers arrive by themselves
        writer.write(b"many\r\nx")
        return True

    async def _reset(self, writer, many):
        await self._send(writer, body=b"x" * int(many), Content_Length=10**6)
        await asyncio.sleep(0.05)  # so that the bytes are read before the reset
        sock = writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()
        return True

    async def _hang_up(self, _writer):
        return True

    async def _silence(self, _writer, *_):
        await asyncio.Event().wait()

    async def _stall(self, writer):
        await self._send(writer, body=b"x" * 50, Content_Length=100)
        await asyncio.Event().wait()

    async def _loop(self, writer):
        await self._send(writer, 302, Location="/loop")

    async def _chain(self, writer, many):
        if many == "0":
            await self._send(writer, body=b"xyz")
        else:
            await self._send(writer, 302, Location=f"/chain/{int(many) - 1}")

    async def _to(self, writer, *url):
        await self._send(writer, 302, Location=unquote("/".join(url)))

    async def _type(self, writer, *text):
        await self._send(
            writer, body=b"xyz", Content_Type=unquote("/".join(text), "latin-1")
        )

    async def _endless(self, writer):
        writer.write(_CHUNKED)
        while True:
            writer.write(b"1000\r\n" + bytes(4096) + b"\r\n")
            await writer.drain()
            await asyncio.sleep(0)

    async def _not_http(self, writer):
        writer.write(b"220 mail.example ESMTP ready\r\n\r\n")
        return True

    async def _target(self, writer, *rest):
        await self._send(writer, body="/".join(["/target", *rest]).encode())


@contextmanager
def closed_port():
    """Give the number of a port on which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    yield port


@contextmanager
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


def sentence(text):
    """Tell whether a detail is one short line for a person."""
    return bool(text) and text.isprintable() and not re.search(r"://|<|object at", text)
