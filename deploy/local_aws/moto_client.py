"""Requests passed on to moto's server, and what is asked of it."""

import asyncio
import contextlib
import json
import re
from collections.abc import AsyncIterator, Iterable
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import aiohttp
from aiohttp import web
from yarl import URL

from local_aws.endpoint_error import EndpointError
from local_aws.exit_reason import in_words
from local_aws.local_lambda import errors
from local_aws.local_lambda.requests.access_keys import Caller, KeyPair

_HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "te", "upgrade"}
_BASE = "http://moto"  # any name: the socket decides
_SERVICE = "X-Signed-For"  # moto_main reads it
_INCAPABLE = (
    "moto's server, which stands for this service, cannot do this; its log has the "
    "traceback."
)


class Moto:
    """A running moto server."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        process: asyncio.subprocess.Process,
        account: dict[str, Any],
    ) -> None:
        self._session = session
        self._process = process
        self._account = account
        self._asking = asyncio.Lock()

    async def wait(self) -> None:
        """Wait until its process has ended, for whatever reason."""
        await self._process.wait()

    def check(self) -> None:
        """Raise `EndpointError` if its process has ended by itself."""
        status = self._process.returncode
        if status is not None:
            msg = (
                "moto's server, which stands for S3, IAM, STS and CloudWatch Logs, "
                f"ended by itself ({in_words(status)}). What was stored is gone; start "
                "the endpoint again."
            )
            raise EndpointError(msg)

    def owner(self, keys: KeyPair) -> Caller:
        """Return the account itself as the owner of the endpoint's own pair."""
        return Caller(
            access_key=keys.access_key_id,
            secret=keys.secret_access_key,
            tokens=("", keys.session_token),
            **self._account,
        )

    async def identify(self, access_key: str) -> Caller | None:
        """
        Find the owner of an access key; see `requests.access_keys.Identify`.

        Raises:
            LambdaError: If moto is gone.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        async with self._asking:
            with contextlib.suppress(ConnectionError):  # then nothing comes back
                self._process.stdin.write(json.dumps(access_key).encode() + b"\n")
                await self._process.stdin.drain()
            line = await self._process.stdout.readline()
        if not line:
            why = "its process has ended"
            raise _gone(why)
        found = json.loads(line)
        return Caller(**found) if found else None

    async def forward(
        self, request: web.Request, service: str, body: bytes | AsyncIterator[bytes]
    ) -> web.StreamResponse:
        """
        Pass a request on, and the answer back, as they come.

        Raises:
            LambdaError: If moto cannot answer, or the request's body does not come.
        """
        response = None
        try:
            async with self._session.request(
                request.method,
                URL(_BASE + request.raw_path, encoded=True),
                headers=[*_end_to_end(request.headers.items()), (_SERVICE, service)],
                data=body if request.body_exists else b"",
                allow_redirects=False,
            ) as answer:
                if answer.status == HTTPStatus.INTERNAL_SERVER_ERROR:
                    raise errors.LambdaError(501, "NotImplementedException", _INCAPABLE)
                response = web.StreamResponse(
                    status=answer.status,
                    reason=answer.reason,
                    headers=_end_to_end(answer.headers.items()),
                )
                await response.prepare(request)
                async for chunk in answer.content.iter_chunked(256 * 1024):
                    await response.write(chunk)
                await response.write_eof()
                return response
        except aiohttp.ClientError as error:
            if response is not None and response.prepared:
                # Half an answer; all that is left is to close the connection.
                raise ConnectionResetError from error
            if isinstance(error.__cause__, errors.LambdaError):  # the body's
                raise error.__cause__ from None
            raise _gone(error) from error

    async def read_object(self, bucket: str, key: str, version: str | None) -> bytes:
        """
        Read an object from S3.

        Raises:
            LambdaError: In the words Lambda has for code that is not there.
        """
        url = f"{_BASE}/{quote(bucket)}/{quote(key)}"
        query = f"?versionId={quote(version)}" if version else ""
        headers = _scope("us-east-1", "s3")
        try:
            async with self._session.get(
                URL(url + query, encoded=True), headers=headers
            ) as answer:
                content = await answer.read()
        except aiohttp.ClientError as error:
            raise _gone(error) from error
        if answer.status == web.HTTPOk.status_code:
            return content
        code = re.search(rb"<Code>(.*?)</Code>", content)
        text = re.search(rb"<Message>(.*?)</Message>", content)
        reason = (
            "Error occurred while GetObject. "
            f"S3 Error Code: {code[1].decode() if code else answer.status}. "
            f"S3 Error Message: {text[1].decode() if text else answer.reason}"
        )
        raise errors.invalid_parameter(reason)

    async def call_logs(
        self, region: str, operation: str, parameters: dict[str, Any]
    ) -> str | None:
        """Call CloudWatch Logs; return None or the name of the error."""
        headers = _scope(region, "logs") | {
            "X-Amz-Target": f"Logs_20140328.{operation}",
            "Content-Type": "application/x-amz-json-1.1",
        }
        body = json.dumps(parameters).encode()
        try:
            async with self._session.post(_BASE, data=body, headers=headers) as answer:
                if answer.status == web.HTTPOk.status_code:
                    return None
                document = json.loads(await answer.read())
        except (aiohttp.ClientError, ValueError) as error:
            return repr(error)
        return str(document.get("__type", answer.status))


def _gone(why: object) -> errors.LambdaError:
    text = f"moto's server, which stands for this service, is gone: {why}"
    return errors.LambdaError(503, "ServiceUnavailable", text)


def _scope(region: str, service: str) -> dict[str, str]:
    """Name the service and region; moto checks no signature."""
    scope = f"local/20260101/{region}/{service}/aws4_request"
    signature = f"Credential={scope}, SignedHeaders=host, Signature=0"
    return {"Authorization": f"AWS4-HMAC-SHA256 {signature}", _SERVICE: service}


def _end_to_end(headers: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    left_out = {*_HOP_BY_HOP, _SERVICE.lower()}
    return [(name, text) for name, text in headers if name.lower() not in left_out]
