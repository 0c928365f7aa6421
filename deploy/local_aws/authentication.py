"""
The endpoint's door: only who signs comes in, and no web page.

A request must come from no page in a browser, and carry the signature of a key that the
endpoint made or gave out. What is refused is answered in the words of the service that
was asked, so that boto3 raises what it raises on AWS.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from html import escape
from http import HTTPStatus
from typing import TYPE_CHECKING

from aiohttp import web

from local_aws.local_lambda import http
from local_aws.local_lambda.errors import LambdaError, too_large
from local_aws.local_lambda.requests import claims, service_model, signature
from local_aws.local_lambda.requests.claims import Claim, Reason, SignatureError, Signed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from local_aws.local_lambda.requests.callers import Identify

S3 = "s3"
QUERY_SERVICES = ("iam", "sts")  # they speak AWS's query protocol
SERVICES = ("lambda", "logs", S3, *QUERY_SERVICES)
REGION = "us-east-1"  # of requests that are not signed

_S3_STATUSES = {
    "AuthorizationHeaderMalformed": 400,
    "ExpiredToken": 400,
    "InvalidToken": 400,
    "XAmzContentSHA256Mismatch": 400,
}
_HASH_CHARACTERS = 64  # a SHA-256 in hex

# By reason: codes of JSON services, of IAM and STS, and of S3, and the usual text.
# https://docs.aws.amazon.com/lambda/latest/api/CommonErrors.html
# https://docs.aws.amazon.com/IAM/latest/APIReference/CommonErrors.html
# https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
_INVALID = "The security token included in the request is invalid."
_MISMATCH = (
    "The request signature we calculated does not match the signature you provided. "
    "Check your AWS Secret Access Key and signing method. Consult the service "
    "documentation for details."
)
_REFUSALS: dict[Reason, tuple[str, str, str, str]] = {
    Reason.MISSING: (
        "MissingAuthenticationTokenException",
        "MissingAuthenticationToken",
        "AccessDenied",
        "Missing Authentication Token",
    ),
    Reason.MALFORMED: (
        "IncompleteSignatureException",
        "IncompleteSignature",
        "AuthorizationHeaderMalformed",
        "",
    ),
    Reason.UNKNOWN_KEY: (
        "UnrecognizedClientException",
        "InvalidClientTokenId",
        "InvalidAccessKeyId",
        _INVALID,
    ),
    Reason.OTHER_SESSION: (
        "UnrecognizedClientException",
        "InvalidClientTokenId",
        "InvalidToken",
        _INVALID,
    ),
    Reason.SESSION_OVER: (
        "ExpiredTokenException",
        "ExpiredToken",
        "ExpiredToken",
        "The security token included in the request is expired",
    ),
    Reason.SCOPE: (
        "InvalidSignatureException",
        "SignatureDoesNotMatch",
        "AuthorizationHeaderMalformed",
        "",
    ),
    Reason.TIME: (
        "InvalidSignatureException",
        "SignatureDoesNotMatch",
        "RequestTimeTooSkewed",
        "",
    ),
    Reason.URL_OVER: (
        "InvalidSignatureException",
        "SignatureDoesNotMatch",
        "AccessDenied",
        "Request has expired",
    ),
    Reason.MISMATCH: (
        "InvalidSignatureException",
        "SignatureDoesNotMatch",
        "SignatureDoesNotMatch",
        _MISMATCH,
    ),
    Reason.BODY: (
        "InvalidSignatureException",
        "SignatureDoesNotMatch",
        "XAmzContentSHA256Mismatch",
        "The provided 'x-amz-content-sha256' header does not match what was computed.",
    ),
}


@dataclass(frozen=True, slots=True)
class Admitted:
    """
    A request that was let in.

    Attributes:
        service: The service it is meant for: one of `SERVICES`.

        region: The region it is meant for.

        body: Its body: all of it, or of a request to S3 as it comes.
    """

    service: str
    region: str
    body: bytes | AsyncIterator[bytes]


class Door:
    """
    Decides which requests are let in.

    Args:
        identify: Finds whose key a request names.

        most: By service, how large a body may be, in bytes; S3's comes as a stream.

        asks_signatures: Whether it does; otherwise anybody on this machine may do
            anything, but web pages.
    """

    def __init__(
        self,
        identify: Identify,
        most: Mapping[str, int],
        *,
        asks_signatures: bool,
    ) -> None:
        self._identify = identify
        self._most = most
        self._asks_signatures = asks_signatures

    async def admit(self, request: web.Request) -> Admitted:
        """
        Let a request in.

        Raises:
            LambdaError: If it is refused; `refusal` makes the answer.

            aiohttp.web.HTTPForbidden: If a web page sent it.
        """
        if "Origin" in request.headers:
            # A page in the user's browser could otherwise try what it can sign.
            raise web.HTTPForbidden(text="This endpoint does not serve web pages.\n")
        signed = Signed(request.method, request.raw_path, request.headers)
        try:
            claim = claims.claim_of(signed)
        except SignatureError as error:
            service = service_of(request)
            if self._asks_signatures:
                raise _refused(error, service) from None
            return await self._unverified(request, service, REGION)
        if not self._asks_signatures:
            return await self._unverified(request, claim.service, claim.region)
        try:
            return await self._verified(request, signed, claim)
        except SignatureError as error:
            raise _refused(error, claim.service) from None

    async def _verified(
        self, request: web.Request, signed: Signed, claim: Claim
    ) -> Admitted:
        caller = await signature.caller_of(claim, self._identify)
        if claim.service == S3:
            claimed = claims.claimed_hash(signed, claim)
            signature.verify(signed, claim, caller, claimed)
            return Admitted(S3, claim.region, _hashed(request, claimed))
        body = await self._read(request, claim.service)
        signature.verify(signed, claim, caller, hashlib.sha256(body).hexdigest())
        return Admitted(_known(claim.service), claim.region, body)

    async def _unverified(
        self, request: web.Request, service: str, region: str
    ) -> Admitted:
        if service == S3:
            return Admitted(S3, region, http.chunks(request))
        body = await self._read(request, service)
        return Admitted(_known(service), region, body)

    async def _read(self, request: web.Request, service: str) -> bytes:
        most = self._most.get(service, min(self._most.values()))
        return await http.read_body(request, most, _too_large(service, most))


def refusal(error: LambdaError, service: str) -> web.Response:
    """
    Tell a caller of an error as its service would.

    Args:
        error: What is wrong.

        service: The service's name in signatures.
    """
    if service in (S3, *QUERY_SERVICES):
        return _xml(error, is_query=service != S3)
    if service == "logs":
        body = {"__type": error.code, "message": str(error)}
        return web.json_response(body, status=error.status)
    return http.refusal(error)


def service_of(request: web.Request) -> str:
    """Return the service that a request which names none is most likely meant for."""
    if service_model.is_lambda_path(request.path):
        return "lambda"
    if "X-Amz-Target" in request.headers:
        return "logs"
    is_query = request.method == "POST" and request.path == "/"
    return "iam" if is_query or "Action" in request.query else S3


def _known(service: str) -> str:
    if service not in SERVICES:
        text = (
            f"The local endpoint has no service {service!r}. It has "
            f"{', '.join(SERVICES)}."
        )
        raise LambdaError(501, "NotImplementedException", text)
    return service


def _refused(error: SignatureError, service: str) -> LambdaError:
    of_json, of_query, of_s3, text = _REFUSALS[error.reason]
    text = str(error) or text
    if service == S3:
        status = _S3_STATUSES.get(of_s3, HTTPStatus.FORBIDDEN)
        return LambdaError(status, of_s3, text)
    code = of_query if service in QUERY_SERVICES else of_json
    return LambdaError(HTTPStatus.FORBIDDEN, code, text)


def _too_large(service: str, most: int) -> LambdaError:
    if service == "lambda":
        text = (
            f"Request must be smaller than {most} bytes for the CreateFunction "
            "operation"
        )
        return too_large(text)
    text = f"Upload too large: the limit of the local endpoint is {most} bytes"
    return LambdaError(400, "InvalidParameterException", text)


async def _hashed(request: web.Request, claimed: str) -> AsyncIterator[bytes]:
    """
    Yield a body; its last part only if it is the one that was signed.

    The chunks of an aws-chunked body have signatures of their own, which are not
    looked at: S3's are for those who sit on the line.
    """
    if len(claimed) != _HASH_CHARACTERS:  # UNSIGNED-PAYLOAD, STREAMING-...
        async for chunk in http.chunks(request):
            yield chunk
        return
    digest, held = hashlib.sha256(), b""
    async for chunk in http.chunks(request):
        if held:
            yield held
        digest.update(chunk)
        held = chunk
    if digest.hexdigest() != claimed:
        raise _refused(SignatureError(Reason.BODY), S3)
    if held:
        yield held


def _xml(error: LambdaError, *, is_query: bool) -> web.Response:
    code, text = escape(error.code), escape(str(error))
    xml = f"<Error><Code>{code}</Code><Message>{text}</Message></Error>"
    if is_query:
        xml = f"<ErrorResponse>{xml}</ErrorResponse>"
    return web.Response(status=error.status, text=xml, content_type="text/xml")
