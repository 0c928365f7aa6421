"""
moto's server in a process of its own: S3, IAM, STS and CloudWatch Logs on loopback.

As a module it is our side of that process; run with ``-m`` it is the process. That one
blocks on its stdin and ends when it closes, so it cannot outlive its parent however
that ends, SIGKILL included.
"""

import asyncio
import contextlib
import json
import logging
import re
import sys
from collections.abc import AsyncIterator, Iterable
from typing import Any
from urllib.parse import quote

import aiohttp
from aiohttp import web
from yarl import URL

from rollout.local_lambda import errors

_START_S = 60
_HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "te", "upgrade"}


class Moto:
    """
    A running moto server.

    Args:
        url: Where it is.

        session: For requests to it.
    """

    def __init__(self, url: str, session: aiohttp.ClientSession) -> None:
        self._url = url
        self._session = session

    async def forward(self, request: web.Request, body: bytes) -> web.StreamResponse:
        """
        Pass a request on, and the answer back, as they come.

        Args:
            request: What to pass on.

            body: Its body if that has been read already, or empty.
        """
        try:
            return await self._forward(request, body)
        except aiohttp.ClientConnectorError as error:
            text = f"moto's server, which stands for this service, is gone: {error}\n"
            raise web.HTTPBadGateway(text=text) from error

    async def _forward(self, request: web.Request, body: bytes) -> web.StreamResponse:
        async with self._session.request(
            request.method,
            URL(self._url + request.raw_path, encoded=True),
            headers=_end_to_end(request.headers.items()),
            data=body if body or not request.body_exists else request.content,
            allow_redirects=False,
        ) as answer:
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
        *(sys.executable, "-m", "rollout.moto_server"),
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
            yield Moto(url, session)
    finally:
        process.stdin.close()
        await process.wait()


def _scope(region: str, service: str) -> dict[str, str]:
    """Say which service and region are meant; moto checks no signature."""
    scope = f"local/20260101/{region}/{service}/aws4_request"
    signature = f"Credential={scope}, SignedHeaders=host, Signature=0"
    return {"Authorization": f"AWS4-HMAC-SHA256 {signature}"}


def _end_to_end(headers: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    return [(name, text) for name, text in headers if name.lower() not in _HOP_BY_HOP]


def main() -> None:
    """Serve until stdin closes."""
    logging.getLogger("werkzeug").setLevel(logging.WARNING)  # not every request
    from moto.server import ThreadedMotoServer  # noqa: PLC0415 half a second's import

    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    sys.stdout.write(f"http://{host}:{port}\n")
    sys.stdout.flush()
    sys.stdin.read()


if __name__ == "__main__":
    main()
