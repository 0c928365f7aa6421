"""
Who a request says has signed it: its Authorization header, or its query string.

Signature Version 4 is read from both; of presigned S3 URLs also version 2, which boto3
still makes by default.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import parse_qsl

from multidict import CIMultiDictProxy

ALGORITHM = "AWS4-HMAC-SHA256"
S3 = "s3"

_UNSIGNED = "UNSIGNED-PAYLOAD"
_LONGEST_S = 604_800  # of a presigned URL: a week (docs sigv4-query-string-auth)
_SCOPE = r"(?P<key>[^/,\s]+)/(?P<day>\d{8})/(?P<region>[^/,\s]+)/(?P<service>[^/,\s]+)"
_CREDENTIAL = re.compile(rf"{_SCOPE}/aws4_request")
_AUTHORIZATION = re.compile(
    rf"{ALGORITHM}\s+Credential={_SCOPE}/aws4_request,\s*"
    r"SignedHeaders=(?P<names>[^,\s]+),\s*Signature=(?P<signature>[0-9a-f]{64})"
)
_INCOMPLETE = (
    f"A signature takes '{ALGORITHM}', 'Credential', 'SignedHeaders', 'Signature' and "
    "'X-Amz-Date', and in a query string 'X-Amz-Expires', each in full."
)


class Reason(StrEnum):
    """Why a request is not let in; services have errors of their own for each."""

    MISSING = "nobody signed it"
    MALFORMED = "the signature is not complete"
    UNKNOWN_KEY = "nobody has that key"
    OTHER_SESSION = "the session token is another"
    SESSION_OVER = "the session is over"
    SCOPE = "it was signed for something else"
    TIME = "it was signed too long ago, or will be"
    URL_OVER = "the presigned URL is over"
    MISMATCH = "the signature is another"
    BODY = "the body is another"


class SignatureError(Exception):
    """
    A request that is not let in.

    Attributes:
        reason: Why.

    ``str()`` says what is wrong, or is empty where the service has its own words.
    """

    def __init__(self, reason: Reason, text: str = "") -> None:
        super().__init__(text)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Signed:
    """
    A request as it arrived.

    Attributes:
        method: ``GET``, say.

        target: Path and query, not decoded.

        headers: All of them.
    """

    method: str
    target: str
    headers: CIMultiDictProxy[str]


@dataclass(frozen=True, slots=True)
class Claim:
    """
    What a request says about who signed it.

    Attributes:
        access_key: The id of the key.

        day: As in ``20261128``.

        region: The region it is meant for.

        service: The service it is meant for, as in ``lambda``.

        headers: The names of the headers that were signed.

        signature: The signature.

        stamp: When it was signed, as in ``20261128T135624Z``.

        token: The session token; empty: none.

        lasts_s: How long a presigned URL is good for; None: it is none.
    """

    access_key: str
    day: str
    region: str
    service: str
    headers: Sequence[str]
    signature: str
    stamp: str
    token: str = ""
    lasts_s: int | None = None

    @property
    def is_version_2(self) -> bool:
        """Whether this is a presigned S3 URL of the old kind."""
        return not self.day


def claim_of(request: Signed) -> Claim:
    """
    Read who says to have signed a request.

    Raises:
        SignatureError: If nobody does, or not in full.
    """
    given = request.headers.get("Authorization", "").strip()
    if given:
        found = _AUTHORIZATION.fullmatch(given)
        if found is None:
            raise SignatureError(Reason.MALFORMED, _INCOMPLETE)
        return Claim(
            found["key"],
            found["day"],
            found["region"],
            found["service"],
            headers=found["names"].split(";"),
            signature=found["signature"],
            stamp=request.headers.get("X-Amz-Date", ""),
            token=request.headers.get("X-Amz-Security-Token", ""),
        )
    _, _, query = request.target.partition("?")
    if "X-Amz-" in query or "Signature=" in query:
        return _presigned(dict(parse_qsl(query, keep_blank_values=True)))
    raise SignatureError(Reason.MISSING)


def claimed_hash(request: Signed, claim: Claim) -> str:
    """
    Return what a request to S3 says its body's hash is, or why there is none.

    https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
    """
    default = "" if claim.lasts_s is None else _UNSIGNED
    return request.headers.get("X-Amz-Content-SHA256", default)


def _presigned(query: Mapping[str, str]) -> Claim:
    if "AWSAccessKeyId" in query:
        return _presigned_version_2(query)
    scope = _CREDENTIAL.fullmatch(query.get("X-Amz-Credential", ""))
    lasts_s = query.get("X-Amz-Expires", "")
    if (
        scope is None
        or query.get("X-Amz-Algorithm") != ALGORITHM
        or not lasts_s.isascii()
        or not lasts_s.isdecimal()
        or not 0 < int(lasts_s) <= _LONGEST_S
    ):
        raise SignatureError(Reason.MALFORMED, _INCOMPLETE)
    return Claim(
        scope["key"],
        scope["day"],
        scope["region"],
        scope["service"],
        headers=query.get("X-Amz-SignedHeaders", "").split(";"),
        signature=query.get("X-Amz-Signature", ""),
        stamp=query.get("X-Amz-Date", ""),
        token=query.get("X-Amz-Security-Token", ""),
        lasts_s=int(lasts_s),
    )


def _presigned_version_2(query: Mapping[str, str]) -> Claim:
    ends = query.get("Expires", "")
    if not ends.isascii() or not ends.isdecimal():
        raise SignatureError(Reason.MALFORMED, _INCOMPLETE)
    return Claim(
        access_key=query["AWSAccessKeyId"],
        day="",
        region="us-east-1",
        service=S3,
        headers=(),
        signature=query.get("Signature", ""),
        stamp=ends,
        token=query.get("x-amz-security-token", ""),
        lasts_s=0,
    )
