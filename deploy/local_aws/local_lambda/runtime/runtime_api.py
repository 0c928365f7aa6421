"""
The Runtime API, which ``awslambdaric`` calls from inside an environment.

An unexpected response kills the process, so: ``/next`` needs a
Content-Type (without it 4.2.2 dies of SIGSEGV), ``/init/error`` exactly 202.

The HTTP is handled here: two of three requests are these, and a web framework would
take more time for them than all the rest of an invocation.
"""

import asyncio
import contextlib
import logging
import os
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from http import HTTPStatus

from local_aws.local_lambda.runtime import outcome
from local_aws.local_lambda.runtime.execution_environment import Environment
from local_aws.local_lambda.runtime.invocation import Execution

_BACKLOG = 4096  # a thousand environments may come at once
# awslambdaric sends an exception's traceback in a header, of up to max_header_size in
# its lambda_runtime_client.py; there is room for all the others beside it.
HEAD_BYTES = 1024 * 1024 + 16_384
HEAD_S = 30.0  # for a connection's first head; then it is an environment's
_PATH = re.compile(
    r"/2018-06-01/runtime/(?P<what>invocation|init)/((?P<id>[^/]+)/)?(?P<call>\w+)"
)
_ONE_LINE = {ord("\r"): " ", ord("\n"): " "}  # neither can be within a JSON string
_OK = b'{"status": "OK"}'

_logger = logging.getLogger(__name__)


@contextlib.asynccontextmanager
async def running(environments: dict[str, Environment]) -> AsyncIterator[str]:
    """
    Serve on loopback; yield host and port.

    Args:
        environments: By the name that each process sends in its User-Agent.
    """
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: _Connection(environments), "127.0.0.1", 0, backlog=_BACKLOG
    )
    host, port = server.sockets[0].getsockname()
    try:
        yield f"{host}:{port}"
    finally:
        server.close()


@dataclass(slots=True)
class _Head:
    method: str
    path: str
    headers: dict[str, str]

    @property
    def body_bytes(self) -> int:
        text = self.headers.get("content-length", "0")
        if not text.isdecimal() or "transfer-encoding" in self.headers:
            raise ValueError
        return int(text)

    @property
    def agent(self) -> str:
        """The environment that asks, in its own words."""
        _, _, name = self.headers.get("user-agent", "").partition("env/")
        return name

    @property
    def content_type(self) -> str:
        content_type = self.headers.get("content-type", "application/octet-stream")
        return content_type.partition(";")[0].strip()


class _Connection(asyncio.Protocol):
    """One connection, and so one environment's requests, one after the other."""

    def __init__(self, environments: dict[str, Environment]) -> None:
        self._environments = environments
        self._unread = bytearray()
        self._head: _Head | None = None
        self._transport: asyncio.Transport
        self._head_timer: asyncio.TimerHandle

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        loop = asyncio.get_running_loop()
        self._head_timer = loop.call_later(HEAD_S, transport.abort)

    def connection_lost(self, exc: BaseException | None) -> None:  # noqa: ARG002
        self._head_timer.cancel()

    def data_received(self, data: bytes) -> None:
        if self._transport.is_closing():
            return
        self._unread += data
        try:
            self._read()
        except ValueError:  # not a runtime's request
            self._refuse(HTTPStatus.BAD_REQUEST)
        except Exception:
            _logger.exception("The Runtime API failed")
            self._refuse(HTTPStatus.INTERNAL_SERVER_ERROR)

    def _read(self) -> None:
        if self._head is None:
            end = self._unread.find(b"\r\n\r\n")
            if end < 0:
                if len(self._unread) > HEAD_BYTES:
                    raise ValueError
                return
            self._head = _parse(self._unread[:end].decode("latin-1"))
            del self._unread[: end + 4]
            if self._head.agent not in self._environments:
                self._refuse(HTTPStatus.FORBIDDEN)
                return
            self._head_timer.cancel()
        head, size = self._head, self._head.body_bytes
        if size > outcome.RESPONSE_BYTES:
            self._call(head, None)
            self._transport.close()
        elif len(self._unread) >= size:
            body = bytes(self._unread[:size])
            self._head = None
            del self._unread[:size]
            self._call(head, body)

    def _call(self, head: _Head, body: bytes | None) -> None:
        """Answer a request; without its body if that is larger than any answer."""
        environment = self._environments.get(head.agent)
        match = _PATH.fullmatch(head.path)
        if environment is None:  # it has ended while its body came
            self._refuse(HTTPStatus.FORBIDDEN)
            return
        call = (head.method, match["what"], match["call"]) if match else None
        request_id = match["id"] if match else ""
        if call == ("GET", "invocation", "next"):
            environment.next(self._hand_over)
        elif call == ("POST", "invocation", "response"):
            result = outcome.answered(body, head.content_type)
            self._take(environment, request_id, result)
        elif call == ("POST", "invocation", "error"):
            self._take(environment, request_id, outcome.failed(body or b""))
        elif call == ("POST", "init", "error"):
            environment.init_failed(body or b"")
            self._answer(HTTPStatus.ACCEPTED, _OK)
        else:
            self._refuse(HTTPStatus.NOT_FOUND)

    def _take(
        self,
        environment: Environment,
        request_id: str,
        result: outcome.InvocationResult,
    ) -> None:
        if environment.respond(request_id, result):
            self._answer(HTTPStatus.ACCEPTED, _OK)
        else:
            self._refuse(HTTPStatus.BAD_REQUEST)

    def _hand_over(self, execution: Execution, deadline_ms: int) -> None:
        request = execution.request
        headers = {
            "Lambda-Runtime-Aws-Request-Id": request.id,
            "Lambda-Runtime-Deadline-Ms": str(deadline_ms),
            "Lambda-Runtime-Invoked-Function-Arn": request.arn,
            "Lambda-Runtime-Trace-Id": _trace_id(deadline_ms),
        }
        if request.client_context:
            headers["Lambda-Runtime-Client-Context"] = request.client_context.translate(
                _ONE_LINE
            )
        self._answer(HTTPStatus.OK, request.payload, headers)

    def _refuse(self, status: HTTPStatus) -> None:
        self._answer(status, b'{"errorType": "InvalidRequest"}')
        self._transport.close()

    def _answer(
        self, status: HTTPStatus, body: bytes, headers: dict[str, str] | None = None
    ) -> None:
        lines = [
            f"HTTP/1.1 {status.value} {status.phrase}",
            "Content-Type: application/json",
            f"Content-Length: {len(body)}",
            *(f"{name}: {value}" for name, value in (headers or {}).items()),
            "\r\n",
        ]
        self._transport.write("\r\n".join(lines).encode() + body)


def _parse(head: str) -> _Head:
    first, *lines = head.split("\r\n")
    method, path, _ = first.split(" ")
    headers = {}
    for line in lines:
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    return _Head(method, path, headers)


def _trace_id(deadline_ms: int) -> str:
    root, parent = os.urandom(12).hex(), os.urandom(8).hex()
    return f"Root=1-{deadline_ms // 1000:08x}-{root};Parent={parent};Sampled=0"
