"""
HTTP on loopback: connections that cannot hang, and refusals in AWS's shape.

aiohttp does most of it. This module adds:

* A request's line and headers must arrive within `HEAD_S`; aiohttp would wait as long
  as it keeps an idle connection, which is an hour, so that pooled clients stay.
* A body may pause for `BODY_S` in all, and longer only as it delivers `BODY_RATE`.
* A response that the client does not read is dropped after `UNREAD_S`.
* After a refusal, the rest of the body is read for `LINGER_S`, so that the client sees
  the refusal.
* Malformed HTTP is refused, without a traceback in the log.
* Requests that name another host are refused: see `_check_host`.

The unit of memory is the connection: it holds at most one body, of the size its reader
allows, and aiohttp's buffers.
"""

import asyncio
import contextlib
import ipaddress
import json
import logging
import socket
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from http import HTTPStatus
from typing import cast
from urllib.parse import urlsplit

from aiohttp import web

from local_aws.local_lambda import errors

HEAD_S = 30.0
BODY_S = 30.0
BODY_RATE = 50_000  # bytes a second
UNREAD_S = 300.0
LINGER_S = 5.0
BACKLOG = 4096  # a thousand callers may come at once

_END_OF_HEAD = b"\r\n\r\n"
_KEEP_ALIVE_S = 3600
_SHOWN = 200  # characters of what aiohttp says about malformed requests

_logger = logging.getLogger(__name__)

Handle = Callable[[web.Request], Awaitable[web.StreamResponse]]
Listen = Callable[[socket.socket], Awaitable[asyncio.Server]]


@contextlib.asynccontextmanager
async def running(handle: Handle) -> AsyncIterator[Listen]:
    """
    Answer requests until the end of the context, then finish those under way.

    Returns:
        A function that serves one more listening socket. The server it returns is the
        caller's to close.
    """
    app = web.Application(middlewares=[_check_host, _refuse_what_is_no_path])
    app.router.add_route("*", "/{path:.*}", handle)
    runner = web.AppRunner(app, shutdown_timeout=1)
    await runner.setup()
    loop = asyncio.get_running_loop()

    def connection() -> _Connection:
        return _Connection(cast("web.Server", runner.server))

    async def listen(listener: socket.socket) -> asyncio.Server:
        return await loop.create_server(connection, sock=listener, backlog=BACKLOG)

    try:
        yield listen
    finally:
        await runner.cleanup()


async def read_body(
    request: web.BaseRequest, max_bytes: int, refusal_if_larger: errors.LambdaError
) -> bytes:
    """
    Read a body of at most `max_bytes` bytes.

    Raises:
        LambdaError: If it is larger, as soon as that is known, or does not arrive.
    """
    if (request.content_length or 0) > max_bytes:
        raise refusal_if_larger
    body = bytearray()
    async for chunk in chunks(request):
        body += chunk
        if len(body) > max_bytes:
            raise refusal_if_larger
    return bytes(body)


async def chunks(request: web.BaseRequest) -> AsyncIterator[bytes]:
    """
    Yield a body as it arrives.

    Raises:
        LambdaError: If it does not arrive.
    """
    loop = asyncio.get_running_loop()
    received, waited_s = 0, 0.0
    while True:
        began = loop.time()
        try:
            async with asyncio.timeout(BODY_S + received / BODY_RATE - waited_s):
                chunk = await request.content.readany()
        except TimeoutError:
            raise errors.request_timeout() from None
        except web.RequestPayloadError as error:
            raise errors.malformed_request(_brief(str(error))) from None
        if not chunk:
            return
        waited_s += loop.time() - began
        received += len(chunk)
        yield chunk


async def answered(
    request: web.Request, answer: Callable[[str], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Answer a request, under a new id; refusals are responses, other errors a 500."""
    request_id = str(uuid.uuid4())
    try:
        response = await answer(request_id)
    except errors.LambdaError as error:
        response = refusal(error)
    except Exception:
        _logger.exception("%s %s failed", request.method, request.path)
        response = refusal(errors.internal())
    response.headers["x-amzn-RequestId"] = request_id
    return response


def authority(host: str, port: int) -> str:
    """Spell host and port as URLs do."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def refusal(error: errors.LambdaError) -> web.Response:
    """Return an error as a response."""
    return web.Response(
        status=error.status,
        body=json.dumps(error.body).encode(),
        headers={"x-amzn-ErrorType": error.code},
        content_type="application/json",
    )


@web.middleware
async def _check_host(request: web.Request, handler: Handle) -> web.StreamResponse:
    """
    Refuse requests for another host.

    A web page whose name was made to resolve to this machine sends that name (DNS
    rebinding). Another loopback address or port is a tunnel of the user's own.
    """
    try:
        host = urlsplit(f"//{request.headers.get('Host', '')}").hostname or ""
        is_ours = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        is_ours = False
    if is_ours:
        return await handler(request)
    assert request.transport is not None
    here = authority(*request.transport.get_extra_info("sockname")[:2])
    named = request.headers.get("Host", "")
    text = f"This is {here}, not {named!r}, which the request names. Call it so.\n"
    raise web.HTTPForbidden(text=text)


@web.middleware
async def _refuse_what_is_no_path(
    request: web.Request, handler: Handle
) -> web.StreamResponse:
    try:
        return await handler(request)
    except web.HTTPNotFound:  # CONNECT, and OPTIONS *
        return refusal(errors.unknown_operation())


class _Connection(web.RequestHandler):
    """One connection; aiohttp's, with the limits above."""

    __slots__ = ("_head_timer", "_last_bytes", "_unread_timer")

    def __init__(self, server: web.Server) -> None:
        self._head_timer: asyncio.TimerHandle | None = None
        self._last_bytes = b""
        self._unread_timer: asyncio.TimerHandle | None = None
        super().__init__(
            server,
            loop=asyncio.get_running_loop(),
            keepalive_timeout=_KEEP_ALIVE_S,
            access_log=None,  # type: ignore[arg-type] # aiohttp's way to say: none
            lingering_time=LINGER_S,
            auto_decompress=False,  # S3 stores, and functions get, what was sent
        )

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._expect_head()

    def data_received(self, data: bytes) -> None:
        requests = self._request_count
        super().data_received(data)
        if self._request_count > requests:
            self._cancel(self._head_timer)
            self._head_timer = None
            if self._ends_in_a_half_request(self._last_bytes + data):
                self._expect_head()
        elif self._waiter is not None:  # no request is being answered
            self._expect_head()
        few = 1 - len(_END_OF_HEAD)  # a head may end in several pieces
        self._last_bytes = (self._last_bytes + data[few:])[few:]

    def connection_lost(self, exc: BaseException | None) -> None:
        self._cancel(self._head_timer)
        self._cancel(self._unread_timer)
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        super().pause_writing()
        assert self.transport is not None
        self._unread_timer = self._loop.call_later(UNREAD_S, self.transport.abort)

    def resume_writing(self) -> None:
        super().resume_writing()
        self._cancel(self._unread_timer)

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answer a request that no handler could."""
        if status == HTTPStatus.BAD_REQUEST:
            error = errors.malformed_request(_brief(message or ""))
        else:
            super().handle_error(request, status, exc, message)  # logs
            error = errors.internal()
        response = refusal(error)
        response.force_close()
        return response

    def _ends_in_a_half_request(self, data: bytes) -> bool:
        """Whether something follows the last request, of which the head came now."""
        head, body = self._messages[-1]
        # Chunks have lengths of their own, and end like a head.
        is_chunked = getattr(head, "chunked", False)
        end = len(data) - (0 if is_chunked else body.total_bytes)
        return body.is_eof() and not data[:end].endswith(_END_OF_HEAD)

    def _expect_head(self) -> None:
        if self._head_timer is None:
            count = self._request_count
            self._head_timer = self._loop.call_later(HEAD_S, self._give_up, count)

    def _give_up(self, requests: int) -> None:
        """Close, unless the request came, or those before it are being answered."""
        self._head_timer = None
        if self._request_count > requests:
            return
        if self._waiter is None:
            self._expect_head()
        else:
            self.force_close()

    @staticmethod
    def _cancel(timer: asyncio.TimerHandle | None) -> None:
        if timer is not None:
            timer.cancel()


def _brief(text: str) -> str:
    """
    Return a parser's message without the bytes it read.

    >>> _brief("Got more than 8190 bytes when reading: b'x'")
    'Got more than 8190 bytes when reading'
    """
    first, _, _ = text.strip().partition("\n")
    return first.partition(": ")[0].rstrip(":.")[:_SHOWN]
