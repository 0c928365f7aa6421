"""
The origin's server, which sends its responses.

A bare asyncio protocol, because granian's RSGI interface costs more CPU: 45 µs against
27 for 10 kB, 90 against 45 for 100 kB, 950 against 690 for 1.7 MB. Faults also need the
transport.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import struct
from typing import TYPE_CHECKING

from origin.answers import REQUEST_MOST_BYTES, Ending, Response, Site

if TYPE_CHECKING:
    from collections.abc import Callable

HOST = "127.0.0.1"

BACKLOG = 4_096
_STDIN = 0
_CHUNK_BYTES = 262_144
_DRIP_EVERY_S = 1.0
_LINGER_FOR_NO_TIME = struct.pack("ii", 1, 0)  # so closing sends RST


class OriginError(Exception):
    """The origin could not be started, or ended by itself."""


def listen(port: int) -> socket.socket:
    """
    Return a socket that listens on loopback; 0 stands for any free port.

    Raises:
        OriginError: If the port is taken, or not a port.
    """
    try:
        return socket.create_server((HOST, port), backlog=BACKLOG)
    except (OSError, OverflowError) as error:
        msg = (
            f"The origin cannot listen on port {port} of {HOST}: {error}. "
            "Choose another, or 0 for a free one."
        )
        raise OriginError(msg) from error


def address(listener: socket.socket) -> str:
    """Return the URL of a listening socket."""
    host, port = listener.getsockname()
    return f"http://{host}:{port}"


async def start(listener: socket.socket) -> asyncio.Server:
    """Serve on a socket that `listen` returned, until the server is closed."""
    site = Site()
    return await asyncio.get_running_loop().create_server(
        lambda: Connection(site.answer, site.stats.add), sock=listener, backlog=BACKLOG
    )


def stop_event(*, until_stdin_closes: bool) -> asyncio.Event:
    """Return an event that SIGINT, SIGTERM, and on request the end of stdin set."""
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)

    def read_stdin() -> None:
        if not os.read(_STDIN, 4_096):
            stopped.set()

    if until_stdin_closes:
        loop.add_reader(_STDIN, read_stdin)
    return stopped


class Connection(asyncio.Protocol):
    """
    A client's requests, answered one after the other.

    Args:
        answer: Returns the response to a request, given its head.

        on_sent: Gets each response that was sent.
    """

    _transport: asyncio.Transport

    def __init__(
        self,
        answer: Callable[[bytes], Response],
        on_sent: Callable[[Response], None] = lambda _: None,
    ) -> None:
        self._answer = answer
        self._on_sent = on_sent
        self._received = b""
        self._response: Response | None = None
        self._sent_bytes = 0
        self._is_delayed = False  # the response is not due yet
        self._has_ended = False  # for good: there is no next response
        self._flows = True

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Let at most one chunk wait for a slow client."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        # Not 0: over TLS, an empty buffer would be at its limit, and could stay paused.
        transport.set_write_buffer_limits(1)

    def data_received(self, data: bytes) -> None:
        """Answer all requests that are complete."""
        self._received += data
        self._proceed()

    def pause_writing(self) -> None:
        """Send no more until the client has read."""
        self._flows = False

    def resume_writing(self) -> None:
        """Go on sending."""
        self._flows = True
        # Later: Python 3.11 calls connection_lost twice if it is closed in here.
        asyncio.get_running_loop().call_soon(self._go_on)

    def _go_on(self) -> None:
        # TLS pauses and resumes at will, even before a response exists or is due.
        if self._response and not self._is_delayed and not self._has_ended:
            self._send()
            self._proceed()

    def _end_delay(self) -> None:
        self._is_delayed = False
        self._go_on()

    def _proceed(self) -> None:
        while self._response is None and (head := self._next_head()):
            self._response = self._answer(head)
            if self._response.delay_s:
                self._is_delayed = True
                loop = asyncio.get_running_loop()
                loop.call_later(self._response.delay_s, self._end_delay)
            else:
                self._send()

    def _next_head(self) -> bytes:
        """Take a request's head from the received data; empty: it is not complete."""
        head, end, rest = self._received.partition(b"\r\n\r\n")
        if not end and len(head) <= REQUEST_MOST_BYTES:
            return b""
        self._received = rest
        return head

    def _send(self) -> None:
        """Send as much of the response as the client takes now."""
        response, transport = self._response, self._transport
        assert response
        while self._flows and not transport.is_closing():
            if self._sent_bytes == len(response.data):
                self._end(response)
                return
            chunk = response.data[self._sent_bytes : self._sent_bytes + _CHUNK_BYTES]
            self._sent_bytes += len(chunk)
            transport.write(chunk)

    def _end(self, response: Response) -> None:
        self._on_sent(response)
        match response.ending:
            case Ending.NEXT:
                self._response = None
                self._sent_bytes = 0
            case Ending.CLOSE:
                self._transport.close()
            case Ending.RESET:
                self._reset()
            case Ending.DRIP:
                self._has_ended = True
                self._drip(response.rest)
            case (
                Ending.SILENCE
            ):  # the response stays unfinished until the client leaves
                self._has_ended = True

    def _reset(self) -> None:
        """Close the connection with RST instead of FIN."""
        sock = self._transport.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_FOR_NO_TIME)
        self._transport.abort()

    def _drip(self, rest: memoryview) -> None:
        if not self._transport.is_closing():
            self._transport.write(rest[:1])
            loop = asyncio.get_running_loop()
            loop.call_later(_DRIP_EVERY_S, self._drip, rest[1:])
