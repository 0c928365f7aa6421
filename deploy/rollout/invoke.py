"""Calling the function: many calls in flight from one event loop, none made twice."""

from __future__ import annotations

import asyncio
import io
import json
import random
import resource
import socket
import ssl
import time
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Self
from urllib.parse import quote, urlsplit

import aiohttp
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.httpsession import get_cert_path
from yarl import URL

from rollout.errors import InvocationLost, InvokeError, SettingError
from rollout.limits import limit

if TYPE_CHECKING:
    from types import TracebackType

    from aiohappyeyeballs import AddrInfoType

    from rollout.target import Target

_CONNECT_TIMEOUT_S = 10
# The answer to the longest invocation has this long to come after its end.
_ANSWER_WITHIN_S = 30
_FIRST_PAUSE_S = 0.1
_LONGEST_PAUSE_S = 5.0
# Routers forget a connection that is silent while the function works: AWS advises
# keep-alives. https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
_KEEPALIVE_AFTER_S = 30
_KEEPALIVE_OPTION: int = getattr(socket, "TCP_KEEPIDLE", 0x10)  # macOS: TCP_KEEPALIVE
_LARGE_BODY_BYTES = 2**20
_UNREACHABLE = "Unreachable"
_OTHER_DESCRIPTORS = 256  # of the process, beside the connections


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """
    What one invocation answered.

    Moments are seconds since 1970 on this machine's clock.

    Attributes:
        status: The HTTP status: 200.

        payload: What the function returned, or what went wrong in it, as JSON.

        function_error: Lambda's word if the function failed, as in ``Unhandled``.

        request_id: As in the function's log.

        executed_version: ``$LATEST`` or a number.

        throttles: How often the call was turned away before.

        sent_at: When the accepted call was begun, before connecting.

        answered_at: When the answer's last byte was here.
    """

    status: int
    payload: bytes
    function_error: str | None
    request_id: str
    executed_version: str
    throttles: int
    sent_at: float
    answered_at: float


class Invoker:
    """
    An async context that calls functions.

    A call is made again only while it is certain that nothing ran: when there was no
    connection to send it over, or when Lambda said that it was one too many.

    Args:
        target: Where the functions are.

        in_flight: Calls at the same time; further ones wait for their turn.
    """

    def __init__(self, target: Target, *, in_flight: int = 1_000) -> None:
        self._target = target
        self._functions_url = f"{target.lambda_url}/2015-03-31/functions"
        self._host = urlsplit(target.lambda_url).netloc
        self._proxy = target.proxy
        self._in_flight = in_flight
        self._turns = asyncio.Semaphore(in_flight)

    async def __aenter__(self) -> Self:
        """
        Open the pool of connections.

        Raises:
            SettingError: If this machine does not allow so many.
        """
        _allow_descriptors(self._in_flight + _OTHER_DESCRIPTORS)
        connector = aiohttp.TCPConnector(
            limit=0,
            ssl=_trust(self._target.ca_file),
            socket_factory=_kept_alive,
        )
        self._session = aiohttp.ClientSession(
            connector=connector,
            timeout=aiohttp.ClientTimeout(
                total=None,
                sock_connect=_CONNECT_TIMEOUT_S,
                sock_read=limit("timeout_s").most + _ANSWER_WITHIN_S,
            ),
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close every connection."""
        await self._session.close()

    async def invoke(
        self, function_name: str, payload: bytes, *, accepted_within_s: float = 60.0
    ) -> Answer:
        """
        Call a function and wait for what it returns.

        Args:
            function_name: Its name, with or without ``:version``.

            payload: The event, as JSON.

            accepted_within_s:
                How long a call is made again while it is turned away or there is
                no connection. How long the function then runs is not counted.

        Raises:
            InvokeError: If the API refuses the call, or still turns it away at the
                end of that time.

            InvocationLost: If the call may have been sent, and no answer came.
        """
        give_up_at = time.monotonic() + accepted_within_s
        longest_pause_s = _FIRST_PAUSE_S
        throttles = 0
        while True:
            try:
                async with self._turns:
                    return await self._attempt(function_name, payload, throttles)
            except InvokeError as error:
                pause_s = random.uniform(0, longest_pause_s)  # noqa: S311 no secret
                is_over = time.monotonic() + pause_s > give_up_at
                if is_over or not _may_be_made_again(error):
                    raise
                throttles += error.status == HTTPStatus.TOO_MANY_REQUESTS
            await asyncio.sleep(pause_s)
            longest_pause_s = min(2 * longest_pause_s, _LONGEST_PAUSE_S)

    async def _attempt(
        self, function_name: str, payload: bytes, throttles: int
    ) -> Answer:
        url = f"{self._functions_url}/{quote(function_name, safe='')}/invocations"
        headers = self._signed(url, payload)
        sent_at = time.time()
        try:
            async with self._session.post(
                URL(url, encoded=True),
                data=_body(payload),
                headers=headers,
                proxy=self._proxy,
            ) as response:
                body = await response.read()
        except aiohttp.ClientConnectorCertificateError as error:
            raise _not_sent(function_name, error, code="Untrusted") from error
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            raise _not_sent(function_name, error, code=_UNREACHABLE) from error
        except (aiohttp.ClientError, TimeoutError) as error:
            after_s = time.time() - sent_at
            msg = (
                f"The call of {function_name} was lost after {after_s:.1f} s: "
                f"{error!r}. It may have run; its log says."
            )
            raise InvocationLost(msg) from error
        if response.status != HTTPStatus.OK:
            raise _refused(function_name, response, body)
        return Answer(
            status=response.status,
            payload=body,
            function_error=response.headers.get("X-Amz-Function-Error"),
            request_id=response.headers.get("x-amzn-RequestId", ""),
            executed_version=response.headers.get("X-Amz-Executed-Version", ""),
            throttles=throttles,
            sent_at=sent_at,
            answered_at=time.time(),
        )

    def _signed(self, url: str, payload: bytes) -> dict[str, str]:
        headers = {"Host": self._host, "Content-Type": "application/json"}
        request = AWSRequest("POST", url, headers, payload)
        signer = SigV4Auth(self._target.credentials(), "lambda", self._target.region)
        signer.add_auth(request)
        return dict(request.headers.items())


def _body(payload: bytes) -> bytes | io.BytesIO:
    # aiohttp warns of large bytes, which it would write at once.
    return payload if len(payload) < _LARGE_BODY_BYTES else io.BytesIO(payload)


def _may_be_made_again(error: InvokeError) -> bool:
    return error.status == HTTPStatus.TOO_MANY_REQUESTS or error.code == _UNREACHABLE


def _not_sent(
    function_name: str, error: aiohttp.ClientError, *, code: str
) -> InvokeError:
    msg = f"{function_name} was not called, for there is no connection: {error}."
    return InvokeError(msg, code=code, status=0)


def _refused(
    function_name: str, response: aiohttp.ClientResponse, body: bytes
) -> InvokeError:
    code = response.headers.get("x-amzn-ErrorType", "").partition(":")[0]
    text = body.decode("utf-8", "replace")
    try:
        said = json.loads(text)
        text = said.get("message") or said.get("Message") or text
        reason = said.get("Reason", "")
    except (ValueError, AttributeError):  # a gateway's own page
        reason = ""
    msg = (
        f"{function_name} was not called: {response.status} {code or response.reason}"
        f"{reason and f' ({reason})'}: {text}"
    )
    return InvokeError(msg, code=code, status=response.status)


def _allow_descriptors(wanted: int) -> None:
    # A process starts with 1,024, on macOS with 256; most may ask for more.
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft >= wanted:
        return
    if resource.RLIM_INFINITY != hard < wanted:
        msg = (
            f"So many calls at once need {wanted:,} open files and sockets; this "
            f"machine allows {hard:,}. Raise its limit (`ulimit -Hn`), or have fewer "
            "calls in flight."
        )
        raise SettingError(msg)
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _trust(ca_file: str | None) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=get_cert_path(ca_file or True))


def _kept_alive(address: AddrInfoType) -> socket.socket:
    family, kind, protocol, _, _ = address
    made = socket.socket(family, kind, protocol)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    made.setsockopt(socket.IPPROTO_TCP, _KEEPALIVE_OPTION, _KEEPALIVE_AFTER_S)
    return made
