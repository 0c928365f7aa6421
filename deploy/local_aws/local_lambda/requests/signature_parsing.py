"""
The claims of signed requests: which key signed them, for what, and when.

Signature Version 4 is read from the Authorization header and from the query string of
presigned URLs; version 2 from presigned S3 URLs, where boto3 still uses it by default.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, unique
from typing import Any
from urllib.parse import parse_qsl

from multidict import CIMultiDictProxy

ALGORITHM = "AWS4-HMAC-SHA256"
S3 = "s3"

_UNSIGNED = "UNSIGNED-PAYLOAD"
_LONGEST_S = 604_800  # of a presigned URL: a week (docs sigv4-query-string-auth)
_SECONDS = re.compile(r"\d{1,11}", re.ASCII)
_PART = "[!-+.0-~-]+"  # printable ASCII but "," and "/"
_SCOPE = (
    rf"(?P<access_key>{_PART})/(?P<day>\d{{8}})/(?P<region>{_PART})/"
    rf"(?P<service>{_PART})"
)
_CREDENTIAL = re.compile(rf"{_SCOPE}/aws4_request", re.ASCII)
_SIGNATURE = "[0-9a-f]{64}"
_AUTHORIZATION = re.compile(
    rf"{ALGORITHM}\s+Credential={_SCOPE}/aws4_request,\s*"
    rf"SignedHeaders=(?P<names>[^,\s]+),\s*Signature=(?P<signature>{_SIGNATURE})",
    re.ASCII,
)

_UNRECOGNIZED = "UnrecognizedClientException"
_NOT_KNOWN = "The security token included in the request is invalid."
_INVALID = "InvalidSignatureException"


@unique
class Reason(Enum):
    """
    Why a signature is refused, as each kind of service says it.

    Attributes:
        code: The error code of services that speak JSON.
            https://docs.aws.amazon.com/lambda/latest/api/CommonErrors.html

        text: The usual text; empty where there is none.

        s3_status: S3's HTTP status.

        s3_code: S3's error code.
            https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
    """

    MISSING = (
        *("MissingAuthenticationTokenException", "Missing Authentication Token"),
        *(403, "AccessDenied"),
    )
    MALFORMED = (
        "IncompleteSignatureException",
        (
            f"A signature takes '{ALGORITHM}', 'Credential', 'SignedHeaders', "
            "'Signature' and 'X-Amz-Date', and in a query string 'X-Amz-Expires', each "
            "in full."
        ),
        *(400, "AuthorizationHeaderMalformed"),
    )
    UNKNOWN_KEY = (_UNRECOGNIZED, _NOT_KNOWN, 403, "InvalidAccessKeyId")
    # The session token belongs to another key.
    WRONG_TOKEN = (_UNRECOGNIZED, _NOT_KNOWN, 400, "InvalidToken")
    EXPIRED_TOKEN = (
        "ExpiredTokenException",
        "The security token included in the request is expired",
        *(400, "ExpiredToken"),
    )
    # Signed for another day; then too long ago, or in the future.
    WRONG_SCOPE = (_INVALID, "", 400, "AuthorizationHeaderMalformed")
    WRONG_TIME = (_INVALID, "", 403, "RequestTimeTooSkewed")
    EXPIRED_URL = (_INVALID, "Request has expired", 403, "AccessDenied")
    MISMATCH = (
        _INVALID,
        (
            "The request signature we calculated does not match the signature you "
            "provided. Check your AWS Secret Access Key and signing method. Consult "
            "the service documentation for details."
        ),
        *(403, "SignatureDoesNotMatch"),
    )
    # S3 would obey something that is not signed.
    UNSIGNED_PART = (
        _INVALID,
        "There were headers present in the request which were not signed",
        *(403, "AccessDenied"),
    )
    WRONG_BODY = (
        _INVALID,
        "The provided 'x-amz-content-sha256' header does not match what was computed.",
        *(400, "XAmzContentSHA256Mismatch"),
    )

    def __init__(self, code: str, text: str, s3_status: int, s3_code: str) -> None:
        self.code = code
        self.text = text
        self.s3_status = s3_status
        self.s3_code = s3_code


class SignatureError(Exception):
    """
    A refused signature; ``str()`` is AWS's text.

    Args:
        text: The text, if it is not the usual one.
    """

    def __init__(self, reason: Reason, text: str = "") -> None:
        super().__init__(text or reason.text)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class SignedRequest:
    """
    A request as it arrived.

    Attributes:
        target: Path and query, not decoded.
    """

    method: str
    target: str
    headers: CIMultiDictProxy[str]


@dataclass(frozen=True, slots=True)
class Claim:
    """
    The claim of a request to be signed with a key.

    Attributes:
        day: The day signed for, as in ``20261128``; empty with version 2.

        service: The service signed for, as in ``lambda``.

        timestamp: When it was signed, as in ``20261128T135624Z``; with version 2, when
            it expires, in seconds since 1970.

        token: The session token, or empty.

        lifetime_s: How long a presigned URL is valid; None for other requests.
    """

    access_key: str
    day: str
    region: str
    service: str
    signed_headers: Sequence[str]
    signature: str
    timestamp: str
    token: str = ""
    lifetime_s: int | None = None

    @property
    def is_version_2(self) -> bool:
        """Whether this is a presigned S3 URL of signature version 2."""
        return not self.day


def read_claim(request: SignedRequest) -> Claim:
    """
    Read the claim of a request.

    Raises:
        SignatureError: If it is not signed, or its signature is incomplete.
    """
    header = request.headers.get("Authorization", "").strip()
    if header:
        found = _AUTHORIZATION.fullmatch(header)
        if found is None:
            raise SignatureError(Reason.MALFORMED)
        named: dict[str, Any] = found.groupdict()
        return Claim(
            signed_headers=named.pop("names").split(";"),
            **named,
            timestamp=request.headers.get("X-Amz-Date", ""),
            token=request.headers.get("X-Amz-Security-Token", ""),
        )
    _, _, query = request.target.partition("?")
    if "X-Amz-" in query or "Signature=" in query:
        return _presigned(dict(parse_qsl(query, keep_blank_values=True)))
    raise SignatureError(Reason.MISSING)


def declared_hash(request: SignedRequest, claim: Claim) -> str:
    """
    Return the hash of its body that a request to S3 declares, or why it has none.

    https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
    """
    default = "" if claim.lifetime_s is None else _UNSIGNED
    return request.headers.get("X-Amz-Content-SHA256", default)


def _presigned(query: Mapping[str, str]) -> Claim:
    if "AWSAccessKeyId" in query:
        return _presigned_version_2(query)
    scope = _CREDENTIAL.fullmatch(query.get("X-Amz-Credential", ""))
    lifetime_s = query.get("X-Amz-Expires", "")
    if (
        scope is None
        or query.get("X-Amz-Algorithm") != ALGORITHM
        or not _SECONDS.fullmatch(lifetime_s)
        or not 0 < int(lifetime_s) <= _LONGEST_S
    ):
        raise SignatureError(Reason.MALFORMED)
    named: dict[str, Any] = scope.groupdict()
    return Claim(
        **named,
        signed_headers=query.get("X-Amz-SignedHeaders", "").split(";"),
        signature=query.get("X-Amz-Signature", ""),
        timestamp=query.get("X-Amz-Date", ""),
        token=query.get("X-Amz-Security-Token", ""),
        lifetime_s=int(lifetime_s),
    )


def _presigned_version_2(query: Mapping[str, str]) -> Claim:
    expires_at = query.get("Expires", "")
    if not _SECONDS.fullmatch(expires_at):
        raise SignatureError(Reason.MALFORMED)
    return Claim(
        access_key=query["AWSAccessKeyId"],
        day="",
        region="us-east-1",
        service=S3,
        signed_headers=(),
        signature=query.get("Signature", ""),
        timestamp=expires_at,
        token=query.get("x-amz-security-token", ""),
        lifetime_s=0,
    )
