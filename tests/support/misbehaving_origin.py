"""An origin on this machine, over bare sockets, that misbehaves as its paths say."""

from __future__ import annotations

import asyncio
import itertools
import re
from collections import Counter, defaultdict
from urllib.parse import unquote

from tests.support.bare_server import (
    WAIT_S,
    BareServer,
    closed_port,
    full_port,
    reset,
    silence,
)

__all__ = [
    "CHUNKED",
    "JPEG",
    "WAIT_S",
    "Origin",
    "closed_port",
    "full_port",
    "sentence",
]

JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00"  # what a JPEG begins with
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

# Whatever is sent together is read together; this keeps parts apart.
_APART_S = 0.05


class Origin(BareServer):
    """
    An origin whose paths say how it behaves.

    * /bytes/N[/...]          N bytes
    * /together/GROUP/MANY/N  a JPEG's start, N bytes; half of them once MANY have asked
    * /saying/N/THEN          what `saying` was given
    * /status/CODE            that status
    * /heals/NAME/WAIT[/CODE] 503, or that status, and Retry-After twice, then 3 bytes
    * /trickle/N/PAUSE        N bytes, one at a time
    * /trickle-head/PAUSE     a head without end, a byte at a time
    * /cut/PROMISED/SENT      closes before Content-Length is reached
    * /reset/N                N bytes of many more, then RST
    * /hang-up[/...]          closes without an answer
    * /hang-up-second/...     the same, but never to a connection's first request
    * /silence[/...]          takes the request, says nothing
    * /stall                  half of a body, then nothing
    * /loop                   redirects to itself
    * /chain/N                N redirects, then 3 bytes
    * /to/URL                 redirects there
    * /endless[/PAUSE]        a body without end
    * /endless-head           headers without end
    * /interim/PAUSE          100 Continue, without end
    * /target/...             the request's own path as the body
    * /headers/NAME/VALUE     3 bytes, with that header
    """

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self._healing = Counter()
        self._sayings = []
        self._groups = defaultdict(asyncio.Event)
        self._asked = Counter()
        self._numbers = itertools.count()
        self._answered = set()  # connections that had an answer

    def saying(self, raw, then="close"):
        """
        Return a URL that is answered with these very bytes.

        Args:
            raw: What is sent; parts, if they must not arrive together.

            then: "close", "wait", "reset", or "next": take the next request.
        """
        self._sayings.append([raw] if isinstance(raw, bytes) else raw)
        return self.url(f"/saying/{len(self._sayings) - 1}/{then}")

    def together(self, many, size=2_000):
        """Return URLs none of which is answered in full before all are asked for."""
        group = next(self._numbers)
        return [
            self.url(f"/together/{group}/{many}/{size}/{number}")
            for number in range(many)
        ]

    async def _bytes(self, writer, many, *_):
        await self._send(writer, body=b"x" * int(many))

    async def _together(self, writer, group, many, size, _number):
        body = JPEG.ljust(int(size), b"x")
        half = len(body) // 2
        await self._send(writer, body=body[:half], Content_Length=size)
        self._asked[group] += 1
        if self._asked[group] == int(many):
            self._groups[group].set()
        await self._groups[group].wait()
        writer.write(body[half:])

    async def _saying(self, writer, number, then):
        for count, part in enumerate(self._sayings[int(number)]):
            if count:
                await asyncio.sleep(_APART_S)
            writer.write(part)
            await writer.drain()
        if then == "wait":
            await silence(writer)
        if then == "reset":
            await asyncio.sleep(_APART_S)
            await reset(writer)
        return then != "next"

    async def _status(self, writer, code):
        await self._send(writer, code, b"because")

    async def _heals(self, writer, name, wait, code="503"):
        self._healing[name] += 1
        if self._healing[name] < 3:
            await self._send(writer, code, Retry_After=unquote(wait))
        else:
            await self._send(writer, body=b"xyz")

    async def _trickle(self, writer, many, pause):
        await self._send(writer, Content_Length=many)
        for _ in range(int(many)):
            await asyncio.sleep(float(pause))
            writer.write(b"x")
            await writer.drain()

    async def _trickle_head(self, writer, pause):
        for byte in itertools.chain(b"HTTP/1.1 200 OK\r\nX: ", itertools.repeat(120)):
            writer.write(bytes([byte]))
            await writer.drain()
            await asyncio.sleep(float(pause))

    async def _cut(self, writer, promised, sent):
        await self._send(writer, body=b"x" * int(sent), Content_Length=promised)
        return True

    async def _reset(self, writer, many):
        await self._send(writer, body=b"x" * int(many), Content_Length=10**6)
        await asyncio.sleep(_APART_S)
        return await reset(writer)

    async def _hang_up(self, _writer, *_):
        return True

    async def _hang_up_second(self, writer, *_):
        if writer in self._answered:
            return True
        self._answered.add(writer)
        return await self._send(writer, body=b"xyz")

    async def _silence(self, writer, *_):
        await silence(writer)

    async def _stall(self, writer):
        await self._send(writer, body=b"x" * 50, Content_Length=100)
        await silence(writer)

    async def _loop(self, writer):
        await self._send(writer, 302, Location="/loop")

    async def _chain(self, writer, many):
        if many == "0":
            await self._send(writer, body=b"xyz")
        else:
            await self._send(writer, 302, Location=f"/chain/{int(many) - 1}")

    async def _to(self, writer, *url):
        await self._send(writer, 302, Location=unquote("/".join(url)))

    async def _headers(self, writer, name, value):
        await self._send(writer, body=b"xyz", **{name: unquote(value)})

    async def _endless(self, writer, pause="0"):
        writer.write(CHUNKED)
        while True:
            writer.write(b"1000\r\n" + bytes(4096) + b"\r\n")
            await writer.drain()
            await asyncio.sleep(float(pause))

    async def _endless_head(self, writer):
        writer.write(b"HTTP/1.1 200 OK\r\n")
        for number in itertools.count():
            writer.write(b"X-%d: %s\r\n" % (number, b"x" * 100))
            await writer.drain()
            await asyncio.sleep(0)

    async def _interim(self, writer, pause):
        while True:
            writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            await writer.drain()
            await asyncio.sleep(float(pause))

    async def _target(self, writer, *rest):
        await self._send(writer, body="/".join(["/target", *rest]).encode())


def sentence(text):
    """Tell whether a detail is one short line for a person."""
    return (
        bool(text)
        and text.isprintable()
        and not re.search(r"://|<\w+[ .(]|object at", text)
    )
