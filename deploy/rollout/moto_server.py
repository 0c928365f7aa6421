"""Our side of moto's server: S3, IAM, STS and CloudWatch Logs on loopback."""

import asyncio
import contextlib
import json
import re
import sys
from collections.abc import AsyncIterator, Iterable
from html import escape
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import aiohttp
from aiohttp import web
from yarl import URL

from rollout.local_lambda import errors, http_front
from rollout.local_lambda.callers import Caller

_START_S = 60
_HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "te", "upgrade"}
_QUERY_SERVICES = ("iam", "sts")  # they speak AWS's query protocol


class Moto:
    """
    A running moto server.

    Args:
        url: Where it is.

        session: For requests to it.

        process: It.
    """

    def __init__(
        self,
        url: str,
        session: aiohttp.ClientSession,
        process: asyncio.subprocess.Process,
    ) -> None:
        self._url = url
        self._session = session
        self._process = process
        self._asking = asyncio.Lock()

    async def identify(self, access_key: str) -> Caller | None:
        """Find whose an access key is; see `callers.Identify`."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        async with self._asking:
            self._process.stdin.write(json.dumps(access_key).encode() + b"\n")
            await self._process.stdin.drain()
            found = json.loads(await self._process.stdout.readline())
        return Caller(**found) if found else None

    async def forward(self, request: web.Request, body: bytes) -> web.StreamResponse:
        """
        Pass a request on, and the answer back, as they come.

        Args:
            request: What to pass on.

            body: Its body if that has been read already, or empty.

        Raises:
            LambdaError: If moto cannot answer, or the request's body does not come.
        """
        response = None
        try:
            async with self._session.request(
                request.method,
                URL(self._url + request.raw_path, encoded=True),
                headers=_end_to_end(request.headers.items()),
                data=_data(request, body),
                allow_redirects=False,
            ) as answer:
                if answer.status == HTTPStatus.INTERNAL_SERVER_ERROR:
                    raise _incapable()
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
        url = f"{self._url}/{quote(bucket)}/{quote(key)}"
        query = f"?versionId={quote(version)}" if version else ""
        async with self._session.get(
            URL(url + query, encoded=True), headers=_scope("us-east-1", "s3")
        ) as answer:
            content = await answer.read()
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
            async with self._session.post(
                self._url, data=body, headers=headers
            ) as answer:
                if answer.status == web.HTTPOk.status_code:
                    return None
                document = json.loads(await answer.read())
        except (aiohttp.ClientError, ValueError) as error:
            return repr(error)
        return str(document.get("__type", answer.status))


@contextlib.asynccontextmanager
async def running() -> AsyncIterator[Moto]:
    """Run moto's server until the end of the context."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "rollout.moto_main"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        start_new_session=True,  # Ctrl-C is for us; we end it
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        async with asyncio.timeout(_START_S):
            url = (await process.stdout.readline()).decode().strip()
        if not url:
            msg = "moto's server ended at its start; see its own message above."
            raise RuntimeError(msg)
        async with aiohttp.ClientSession(
            auto_decompress=False,
            timeout=aiohttp.ClientTimeout(total=None),
            connector=aiohttp.TCPConnector(limit=0, force_close=True),
        ) as session:
            yield Moto(url, session, process)
    finally:
        process.stdin.close()
        await process.wait()


def refusal(error: errors.LambdaError, service: str) -> web.Response:
    """
    Tell a caller of an error as its service would.

    Args:
        error: What is wrong.

        service: The service's name in signatures; empty stands for S3.
    """
    if service not in (*_QUERY_SERVICES, "s3", ""):
        body = {"__type": error.code, "message": str(error)}
        return web.json_response(body, status=error.status)
    code, text = escape(error.code), escape(str(error))
    xml = f"<Error><Code>{code}</Code><Message>{text}</Message></Error>"
    if service in _QUERY_SERVICES:
        xml = f"<ErrorResponse>{xml}</ErrorResponse>"
    return web.Response(status=error.status, text=xml, content_type="text/xml")


def _incapable() -> errors.LambdaError:
    text = (
        "moto's server, which stands for this service, cannot do this; its log has the "
        "traceback."
    )
    return errors.LambdaError(501, "NotImplementedException", text)


def _gone(error: aiohttp.ClientError) -> errors.LambdaError:
    text = f"moto's server, which stands for this service, is gone: {error}"
    return errors.LambdaError(503, "ServiceUnavailable", text)


def _scope(region: str, service: str) -> dict[str, str]:
    """Say which service and region are meant; moto checks no signature."""
    scope = f"local/20260101/{region}/{service}/aws4_request"
    signature = f"Credential={scope}, SignedHeaders=host, Signature=0"
    return {"Authorization": f"AWS4-HMAC-SHA256 {signature}"}


def _end_to_end(headers: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    return [(name, text) for name, text in headers if name.lower() not in _HOP_BY_HOP]


def _data(request: web.Request, body: bytes) -> bytes | AsyncIterator[bytes]:
    return body if body or not request.body_exists else http_front.chunks(request)
