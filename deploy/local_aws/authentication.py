"""
Authentication of every request to the endpoint.

A request must be signed with a key that `identify` finds, and must not come from a web
page. Refusals use the words of the service the request is for, so that
boto3 raises what it raises on AWS.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from html import escape
from http import HTTPStatus
from typing import TYPE_CHECKING

from aiohttp import web

from local_aws.local_lambda import http_server
from local_aws.local_lambda.errors import LambdaError, request_limit, too_large
from local_aws.local_lambda.requests import service_model, signature, signature_parsing
from local_aws.local_lambda.requests.signature_parsing import (
    Claim,
    Reason,
    SignatureError,
    SignedRequest,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from local_aws.local_lambda.requests.access_keys import Identify

S3 = "s3"
QUERY_SERVICES = ("iam", "sts")  # they speak AWS's query protocol
SERVICES = ("lambda", "logs", S3, *QUERY_SERVICES)
REGION = "us-east-1"  # of unsigned requests

# Codes where they differ from those of JSON services.
# https://docs.aws.amazon.com/IAM/latest/APIReference/CommonErrors.html
_QUERY_CODES = {
    "UnrecognizedClientException": "InvalidClientTokenId",
    "InvalidSignatureException": "SignatureDoesNotMatch",
}
_SHA256_CHARACTERS = 64  # in hex


@dataclass(frozen=True, slots=True)
class ServiceRequest:
    """
    A request that may be answered.

    Attributes:
        service: The service it is for: one of `SERVICES`.

        body: The whole body; for S3, a stream of it.
    """

    service: str
    region: str
    body: bytes | AsyncIterator[bytes]


class Authenticator:
    """
    Verifier of requests.

    Args:
        body_limits: The largest body of each service, in bytes; S3 has none.

        verify_signatures: False lets every program on this machine do anything; web
            pages are refused all the same.
    """

    def __init__(
        self,
        identify: Identify,
        body_limits: Mapping[str, int],
        *,
        verify_signatures: bool,
    ) -> None:
        self._identify = identify
        self._body_limits = body_limits
        self._verify_signatures = verify_signatures

    async def authenticate(self, request: web.Request) -> ServiceRequest:
        """
        Verify a request and read its body.

        Raises:
            LambdaError: If it is refused; `refusal` makes the response.

            aiohttp.web.HTTPForbidden: If a web page sent it.
        """
        if _is_of_a_page(request):
            raise web.HTTPForbidden(text="This endpoint does not serve web pages.\n")
        signed = SignedRequest(request.method, request.raw_path, request.headers)
        service, region = "", REGION
        try:
            claim = signature_parsing.read_claim(signed)
            service, region = claim.service, claim.region
            if self._verify_signatures:
                body = await self._verified_body(request, signed, claim)
                return ServiceRequest(_known(service), region, body)
        except SignatureError as error:
            service = service or guess_service(request)
            if self._verify_signatures:
                raise _refused(error, service) from None
        if service == S3:
            return ServiceRequest(service, region, http_server.chunks(request))
        body = await self._read(request, service)
        return ServiceRequest(_known(service), region, body)

    async def _verified_body(
        self, request: web.Request, signed: SignedRequest, claim: Claim
    ) -> bytes | AsyncIterator[bytes]:
        caller = await signature.find_caller(claim, self._identify)
        if claim.service == S3:
            declared = signature_parsing.declared_hash(signed, claim)
            signature.verify(signed, claim, caller, declared)
            return _hashed(request, declared)
        body = await self._read(request, claim.service)
        signature.verify(signed, claim, caller, hashlib.sha256(body).hexdigest())
        return body

    async def _read(self, request: web.Request, service: str) -> bytes:
        max_bytes = self._body_limits.get(service, min(self._body_limits.values()))
        return await http_server.read_body(
            request, max_bytes, _too_large(service, max_bytes)
        )


def refusal(error: LambdaError, service: str) -> web.Response:
    """Return an error as a service would answer it."""
    if service in (S3, *QUERY_SERVICES):
        return _xml(error, is_query=service != S3)
    if service == "logs":
        body = {"__type": error.code, "message": str(error)}
        return web.json_response(body, status=error.status)
    return http_server.refusal(error)


def guess_service(request: web.Request) -> str:
    """Return the service that an unsigned request is most likely for."""
    if service_model.is_lambda_path(request.path):
        return "lambda"
    if "X-Amz-Target" in request.headers:
        return "logs"
    is_query = request.method == "POST" and request.path == "/"
    return "iam" if is_query or "Action" in request.query else S3


def _is_of_a_page(request: web.Request) -> bool:
    """
    Tell whether a web page in a browser made a request: it could try what it can sign.

    Browsers send no Origin for images, scripts and links, but say since 2023 whose
    request it is; "none" is the user's own, typed or pasted into the browser.
    """
    site = request.headers.get("Sec-Fetch-Site", "none")
    return "Origin" in request.headers or site not in ("none", "same-origin")


def _known(service: str) -> str:
    if service not in SERVICES:
        text = (
            f"The local endpoint has no service {service!r}. It has "
            f"{', '.join(SERVICES)}."
        )
        raise LambdaError(501, "NotImplementedException", text)
    return service


def _refused(error: SignatureError, service: str) -> LambdaError:
    reason = error.reason
    status, code = HTTPStatus.FORBIDDEN.value, reason.code
    if service == S3:
        status, code = reason.s3_status, reason.s3_code
    elif service in QUERY_SERVICES:
        code = _QUERY_CODES.get(code, code.removesuffix("Exception"))
    return LambdaError(status, code, str(error))


def _too_large(service: str, max_bytes: int) -> LambdaError:
    if service == "lambda":
        return too_large(request_limit(max_bytes, "CreateFunction"))
    text = f"Upload too large: the limit of the local endpoint is {max_bytes} bytes"
    return LambdaError(400, "InvalidParameterException", text)


async def _hashed(request: web.Request, declared: str) -> AsyncIterator[bytes]:
    """
    Yield a body, but its last chunk only if the whole is what was signed.

    The chunks of an aws-chunked body have signatures of their own. They are not
    verified: on loopback nobody sits between client and server.
    """
    if len(declared) != _SHA256_CHARACTERS:  # UNSIGNED-PAYLOAD, STREAMING-...
        async for chunk in http_server.chunks(request):
            yield chunk
        return
    digest, held = hashlib.sha256(), b""
    async for chunk in http_server.chunks(request):
        if held:
            yield held
        digest.update(chunk)
        held = chunk
    if digest.hexdigest() != declared:
        raise _refused(SignatureError(Reason.WRONG_BODY), S3)
    if held:
        yield held


def _xml(error: LambdaError, *, is_query: bool) -> web.Response:
    code, text = escape(error.code), escape(str(error))
    xml = f"<Error><Code>{code}</Code><Message>{text}</Message></Error>"
    if is_query:
        xml = f"<ErrorResponse>{xml}</ErrorResponse>"
    return web.Response(status=error.status, text=xml, content_type="text/xml")
