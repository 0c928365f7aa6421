"""An origin that speaks HTTP/2 frame by frame, and as badly as a test wants."""

from __future__ import annotations

import asyncio

from tests.support.bare_server import BareServer

_PREFACE_BYTES = len("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
_HEAD_BYTES = 9
DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY = 0, 1, 3, 4, 6, 7
CONTINUATION = 9
ACK = END_STREAM = 1
END_HEADERS = 4
NO_ERROR, INTERNAL_ERROR, REFUSED_STREAM = 0, 2, 7


def frame(kind, flags=0, stream=0, payload=b""):
    """Return a frame as it is sent (RFC 9113, 4.1)."""
    length = len(payload).to_bytes(3, "big")
    return length + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload


def headers(stream, promised=None, flags=END_HEADERS):
    """Return the headers of status 200, with a Content-Length if one is promised."""
    block = b"\x88"  # :status 200, the 8th of HPACK's table
    if promised is not None:
        digits = str(promised).encode()
        block += b"\x0f\x0d" + bytes([len(digits)]) + digits  # the 28th, not indexed
    return frame(HEADERS, flags, stream, block)


def data(stream, body, flags=END_STREAM):
    return frame(DATA, flags, stream, body)


def reset(stream, code):
    return frame(RST_STREAM, 0, stream, code.to_bytes(4, "big"))


def goaway(last, code=NO_ERROR):
    return frame(GOAWAY, 0, 0, last.to_bytes(4, "big") + code.to_bytes(4, "big"))


class Http2Origin(BareServer):
    """
    Answers each request with what a function returns.

    Args:
        context: For TLS; HTTP/2 is offered in it.

        answer: Called with the stream's number and how many requests came before on
            any connection; returns frames, and None after them to close.
    """

    def __init__(self, context, answer):
        context.set_alpn_protocols(["h2"])
        super().__init__(context)
        self._responding = answer
        self.asked = 0

    async def _answer(self, reader, writer):
        await reader.readexactly(_PREFACE_BYTES)
        writer.write(frame(SETTINGS))
        while True:
            head = await reader.readexactly(_HEAD_BYTES)
            payload = await reader.readexactly(int.from_bytes(head[:3], "big"))
            kind, flags = head[3:5]
            if kind in {SETTINGS, PING} and not flags & ACK:
                writer.write(frame(kind, ACK, 0, payload if kind == PING else b""))
            elif kind == HEADERS:
                asked, self.asked = self.asked, self.asked + 1
                for part in self._responding(int.from_bytes(head[5:], "big"), asked):
                    if part is None:
                        return
                    writer.write(part)
                    await writer.drain()
                    await asyncio.sleep(0)
