"""The function's caller: many calls in flight in one event loop, none repeated."""

from __future__ import annotations

import asyncio
import io
import json
import time
from base64 import b64decode
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Self
from urllib.parse import quote, urlsplit

import aiohttp
from yarl import URL

from fetcher.backoff import full_jitter
from fetcher.security.signing import Signer
from rollout.errors import InvocationLost, InvokeError
from rollout.invoke.connections import open_session
from rollout.invoke.in_flight_limit import InFlightLimit
from rollout.target.clients import DIES_WITHIN_S

if TYPE_CHECKING:
    from rollout.target.connection import Target

_FIRST_PAUSE_S = 0.1
_LONGEST_PAUSE_S = 5.0
_LOOK_EVERY_S = 0.05
_LARGE_BODY_BYTES = 2**20
_JSON = {"content-type": "application/json"}
_JSON_AND_LOG = {**_JSON, "x-amz-log-type": "Tail"}
_UNREACHABLE, _GONE = "Unreachable", "Gone"


@dataclass(frozen=True, slots=True, kw_only=True)
class InvokeResult:
    """
    The answer to one invocation.

    Times are seconds since 1970 on this machine's clock.

    Attributes:
        payload: The function's result, or its error, as JSON.

        function_error: Lambda's word if the function failed, as in ``Unhandled``.

        request_id: As in the function's log.

        log: The last 4 kB of the function's log, if requested.

        throttles: How often the call was throttled before it was accepted.

        sent_at: Start of the accepted call, before connecting.

        answered_at: Arrival of the answer's last byte.
    """

    payload: bytes
    function_error: str | None
    request_id: str
    log: bytes
    throttles: int
    sent_at: float
    answered_at: float


class Invoker:
    """
    Async context manager that calls functions.

    A call is repeated only if certainly nothing ran: it could not connect, or Lambda
    throttled it, in which case fewer calls are in flight for a while.

    Args:
        in_flight: Calls at the same time; further ones wait.
    """

    def __init__(self, target: Target, *, in_flight: int = 1_000) -> None:
        self._target = target
        self._functions_url = f"{target.lambda_url}/2015-03-31/functions"
        self._host = urlsplit(target.lambda_url).netloc
        self._signer = Signer("lambda", target.region)
        self._proxy = target.proxy
        self._in_flight = in_flight
        self._limit = InFlightLimit(in_flight)
        self._urls: dict[str, URL] = {}
        self._calls = 0

    async def __aenter__(self) -> Self:
        """
        Open the pool of connections.

        Raises:
            SettingError: If this machine does not allow so many connections.
        """
        self._session = open_session(self._in_flight, self._target.ca_file)
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close every connection."""
        await self._session.close()

    @property
    def waiting(self) -> int:
        """How many calls are not in flight, for example because Lambda throttles."""
        return self._calls - self._limit.in_flight

    async def invoke(
        self,
        function_name: str,
        payload: bytes,
        *,
        wants_log: bool = False,
        accepted_within_s: float = 60.0,
    ) -> InvokeResult:
        """
        Call a function and wait for its answer.

        Args:
            function_name: Its name, with or without ``:version``.

            payload: The event, as JSON.

            wants_log: Whether the answer includes the end of the log.

            accepted_within_s:
                How long to repeat a call that is throttled or cannot connect. Time
                spent waiting for other calls, or running, does not count.

        Raises:
            InvokeError: If the API refuses the call, or still throttles it after
                that time.

            InvocationLost: If the call may have been sent, and no answer came.

            EndpointError: If a local endpoint that this process started has ended.
        """
        self._calls += 1
        try:
            return await self._accepted(
                function_name, payload, accepted_within_s, wants_log=wants_log
            )
        finally:
            self._calls -= 1

    async def _accepted(
        self, function_name: str, payload: bytes, within_s: float, *, wants_log: bool
    ) -> InvokeResult:
        """Call until the call is accepted; return the answer."""
        tried_s = 0.0
        tries = throttles = 0
        while True:
            async with self._limit:
                began = time.monotonic()
                try:
                    return await self._attempt(
                        function_name, payload, throttles, wants_log=wants_log
                    )
                except InvokeError as error:
                    if error.status == HTTPStatus.TOO_MANY_REQUESTS:
                        throttles += 1
                        self._limit.throttled()
                    tries += 1
                    pause_s = full_jitter(tries, _FIRST_PAUSE_S, _LONGEST_PAUSE_S)
                    pause_s += error.retry_after_s
                    tried_s += time.monotonic() - began + pause_s
                    if tried_s > within_s or not _may_be_repeated(error):
                        raise
            await asyncio.sleep(pause_s)

    async def _attempt(
        self, function_name: str, payload: bytes, throttles: int, *, wants_log: bool
    ) -> InvokeResult:
        url = self._url(function_name)
        headers = self._signer.headers(
            self._target.credentials(),
            self._host,
            url.raw_path,
            payload,
            _JSON_AND_LOG if wants_log else _JSON,
        )
        sent_at = time.time()
        try:
            async with self._session.post(
                url, data=_body(payload), headers=headers, proxy=self._proxy
            ) as response:
                body = await response.read()
        except aiohttp.ClientConnectorCertificateError as error:
            raise _not_sent(function_name, error, code="Untrusted") from error
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            await self.check_alive(DIES_WITHIN_S)
            code = _GONE if self._is_final(error) else _UNREACHABLE
            raise _not_sent(function_name, error, code=code) from error
        except aiohttp.ClientHttpProxyError as error:
            # Its own text has the proxy's URL, password included.
            why = f"the proxy in HTTPS_PROXY answered {error.status} {error.message}"
            raise _not_sent(function_name, why, code="Proxy") from None
        except (aiohttp.ClientError, TimeoutError) as error:
            await self.check_alive(DIES_WITHIN_S)
            after_s = time.time() - sent_at
            msg = (
                f"The call of {function_name} was lost after {after_s:.1f} s: "
                f"{error!r}. It may have run; see its log."
            )
            raise InvocationLost(msg) from error
        if response.status != HTTPStatus.OK:
            raise _refused(function_name, response, body)
        return InvokeResult(
            payload=body,
            function_error=response.headers.get("X-Amz-Function-Error"),
            request_id=response.headers.get("x-amzn-RequestId", ""),
            log=b64decode(response.headers.get("X-Amz-Log-Result", "")),
            throttles=throttles,
            sent_at=sent_at,
            answered_at=time.time(),
        )

    async def check_alive(self, within_s: float) -> None:
        """
        Check that a local endpoint does not end within so many seconds: see `Target`.

        Other calls go on meanwhile.

        Raises:
            EndpointError: If it ended by itself.
        """
        until = time.monotonic() + within_s
        self._target.check_alive(0.0)
        while time.monotonic() < until:
            await asyncio.sleep(_LOOK_EVERY_S)
            self._target.check_alive(0.0)

    def _is_final(self, error: aiohttp.ClientError) -> bool:
        """Return whether it will never connect: a local endpoint took its functions."""
        is_refused = isinstance(error, aiohttp.ClientConnectorError) and isinstance(
            error.os_error, ConnectionRefusedError
        )
        return is_refused and self._target.runs_here

    def _url(self, function_name: str) -> URL:
        if function_name not in self._urls:
            name = quote(function_name, safe="")
            url = f"{self._functions_url}/{name}/invocations"
            self._urls[function_name] = URL(url, encoded=True)
        return self._urls[function_name]


def _body(payload: bytes) -> bytes | io.BytesIO:
    # aiohttp warns about large bytes, which it would write at once.
    return payload if len(payload) < _LARGE_BODY_BYTES else io.BytesIO(payload)


def _may_be_repeated(error: InvokeError) -> bool:
    return error.status == HTTPStatus.TOO_MANY_REQUESTS or error.code == _UNREACHABLE


def _not_sent(function_name: str, why: object, *, code: str) -> InvokeError:
    """Return the error for a call that could not connect."""
    msg = f"Could not connect; {function_name} was not invoked: {why}."
    return InvokeError(msg, code=code, status=0)


def _refused(
    function_name: str, response: aiohttp.ClientResponse, body: bytes
) -> InvokeError:
    """Return the error for a call that the API has answered with a status but 200."""
    code = response.headers.get("x-amzn-ErrorType", "").partition(":")[0]
    text = body.decode("utf-8", "replace")
    try:
        fields = json.loads(text)
        text = fields.get("message") or fields.get("Message") or text
        reason = fields.get("Reason", "")
    except (ValueError, AttributeError):  # a gateway's own page
        reason = ""
    is_certain = response.status < HTTPStatus.INTERNAL_SERVER_ERROR  # see InvokeError
    fate = "was not invoked" if is_certain else "may have run; see its log"
    msg = (
        f"{function_name} {fate}: {response.status} {code or response.reason}"
        f"{reason and f' ({reason})'}: {text}"
    )
    wait = response.headers.get("Retry-After", "")
    return InvokeError(
        msg,
        code=code,
        status=response.status,
        retry_after_s=float(wait) if wait.isdecimal() else 0.0,
    )
