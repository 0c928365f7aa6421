"""
The listeners of function URLs: requests in, invocations, responses out.

A URL whose AuthType is AWS_IAM admits every request signed with a key that the endpoint
knows, whatever IAM and the resource policy say. One whose AuthType is NONE
admits every request if the resource policy does.

CORS is from AWS's page "Creating and managing Lambda function URLs" and responses
captured in dev.to/rimutaka, "AWS Lambda Function URL with CORS explained by example"
(2024-08): with CORS configured no OPTIONS reaches the function; every other response
gets the configured headers beside the function's own, even twice; an origin that is
allowed is repeated, never answered by ``*``.
"""

import contextlib
import socket
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from aiohttp import web

from aws_facts.limits import limit
from local_aws.local_lambda import errors, http_server
from local_aws.local_lambda import url_errors as refusals
from local_aws.local_lambda.function_url import answer, authentication, event
from local_aws.local_lambda.functions.function import Function
from local_aws.local_lambda.functions.function_url import Address, FunctionUrl
from local_aws.local_lambda.functions.public_access import lets_anybody_call_url
from local_aws.local_lambda.http_server import Listen
from local_aws.local_lambda.requests.access_keys import Identify
from local_aws.local_lambda.requests.signature_parsing import SignedRequest
from local_aws.local_lambda.runtime.admission import Admission
from local_aws.local_lambda.runtime.invocation import Request
from local_aws.local_lambda.runtime.version import LATEST


@contextlib.asynccontextmanager
async def running(
    host: str, admission: Admission, identify: Identify
) -> AsyncIterator["UrlFront"]:
    """Serve function URLs until the end of the context."""

    async def handle(request: web.Request) -> web.StreamResponse:
        return await front.handle(request)

    async with http_server.running(handle) as listen:
        front = UrlFront(host, admission, identify, listen)
        try:
            yield front
        finally:
            front.close_all()


class UrlFront:
    """The listeners of all function URLs; see `running`."""

    def __init__(
        self, host: str, admission: Admission, identify: Identify, listen: Listen
    ) -> None:
        self._host = host
        self._admission = admission
        self._identify = identify
        self._listen = listen
        self._targets: dict[int, _Target] = {}  # by port

    async def open(self, function: Function, alias: str | None) -> Address:
        """Listen on another port, for a function or an alias of it."""
        family = socket.AF_INET6 if ":" in self._host else socket.AF_INET
        listener = socket.create_server((self._host, 0), family=family)
        host, port = listener.getsockname()[:2]
        address = Address(await self._listen(listener), host, port)
        self._targets[port] = _Target(address, function, alias)
        return address

    def close(self, address: Address) -> None:
        """Take no more requests; those under way are answered."""
        del self._targets[address.port]
        address.server.close()

    def close_all(self) -> None:
        """Take no more requests."""
        for target in list(self._targets.values()):
            self.close(target.address)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer one request, with a 500 for an internal error."""
        target = self._target(request)
        url = target.url if target else None
        answer = partial(self._answer, request, target)
        response = await http_server.answered(request, answer)
        origin = request.headers.get("Origin")
        for name, text in _cors_headers(url.cors if url else {}, origin):
            response.headers.add(name, text)
        return response

    def _target(self, request: web.Request) -> "_Target | None":
        if request.transport is None:  # the client is gone
            return None
        return self._targets.get(request.transport.get_extra_info("sockname")[1])

    async def _answer(
        self, request: web.Request, target: "_Target | None", request_id: str
    ) -> web.Response:
        url = target.url if target else None
        if target is None or url is None:
            raise refusals.gone()
        if url.cors and request.method == "OPTIONS":
            return _preflight(url, request)
        max_bytes = limit("request_bytes").most
        body = await http_server.read_body(
            request, max_bytes, refusals.too_large(max_bytes)
        )
        function, caller = target.function, None
        if url.settings["AuthType"] == "AWS_IAM":
            signed = SignedRequest(request.method, request.raw_path, request.headers)
            region = url.reference.region
            caller = await authentication.check(signed, body, region, self._identify)
        elif not lets_anybody_call_url(function.policies.get(target.alias, {})):
            raise refusals.forbidden()
        payload = event.build(request, body, url, request_id, caller)
        if len(payload) > max_bytes:
            raise refusals.too_large(max_bytes)
        qualifier = url.reference.qualifier or LATEST
        invocation = Request(request_id, url.reference.arn, payload, qualifier)
        try:
            if function.version_state(qualifier).state == "Pending":
                raise errors.pending()
            result = await self._admission.invoke(function.runner, invocation)
        except errors.NotFoundError:
            raise refusals.forbidden() from None
        return answer.response(result)


@dataclass(frozen=True, slots=True)
class _Target:
    """The function or alias behind an address; its configuration may change."""

    address: Address
    function: Function
    alias: str | None

    @property
    def url(self) -> FunctionUrl | None:
        return self.function.urls.get(self.alias)


def _preflight(url: FunctionUrl, request: web.Request) -> web.Response:
    response = web.Response(headers={"Content-Type": "application/json"})
    origin = request.headers.get("Origin")
    for name, text in _preflight_headers(url.cors, origin):
        response.headers[name] = text
    return response


def _cors_headers(
    cors: Mapping[str, Any], origin: str | None
) -> Iterator[tuple[str, str]]:
    """
    Yield the headers to add to a response for a page of some origin.

    >>> list(_cors_headers({"AllowOrigins": ["*"]}, "https://a.example"))
    [('Access-Control-Allow-Origin', 'https://a.example'), ('Vary', 'Origin')]
    """
    if origin is None or not {"*", origin} & set(cors.get("AllowOrigins", [])):
        return
    yield "Access-Control-Allow-Origin", origin
    yield "Vary", "Origin"
    if cors.get("ExposeHeaders"):
        yield "Access-Control-Expose-Headers", ",".join(cors["ExposeHeaders"])
    if cors.get("AllowCredentials"):
        yield "Access-Control-Allow-Credentials", "true"


def _preflight_headers(
    cors: Mapping[str, Any], origin: str | None
) -> Iterator[tuple[str, str]]:
    """Yield the further headers that answer an OPTIONS."""
    if not list(_cors_headers(cors, origin)):
        return
    for name in ("AllowHeaders", "AllowMethods"):
        if cors.get(name):
            yield f"Access-Control-Allow-{name[5:]}", ",".join(cors[name])
    if "MaxAge" in cors:
        yield "Access-Control-Max-Age", str(cors["MaxAge"])
