"""
Signature version 4, checked: who sent a request, and that nobody changed it.

The signature is computed again with botocore's own code and compared. Texts are those
of AWS's services; that a signature lasts five minutes is Lambda's (aws/aws-cli#4600).
Signatures in the query string are not read: AWS documents none for function URLs.
"""

import hashlib
import hmac
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import quote, unquote

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest, HTTPHeaders
from botocore.credentials import Credentials
from multidict import CIMultiDictProxy

from rollout.local_lambda.callers import Caller, Identify
from rollout.local_lambda.function_url import errors

_SERVICE = "lambda"
_SKEW = timedelta(minutes=5)
_ISO = "%Y%m%dT%H%M%SZ"
_AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256\s+Credential=(?P<key>[^/,\s]+)/(?P<day>\d{8})/"
    r"(?P<region>[^/,\s]+)/(?P<service>[^/,\s]+)/aws4_request,\s*"
    r"SignedHeaders=(?P<headers>[^,\s]+),\s*Signature=(?P<signature>[0-9a-f]{64})"
)


@dataclass(frozen=True, slots=True)
class Signed:
    """
    A request as it arrived.

    Attributes:
        method: ``GET``, say.

        target: Path and query, not decoded.

        headers: All of them.

        body: The body.
    """

    method: str
    target: str
    headers: CIMultiDictProxy[str]
    body: bytes


async def check(request: Signed, region: str, identify: Identify) -> Caller:
    """
    Return who signed a request.

    Args:
        request: What came.

        region: The region it must be signed for.

        identify: Finds whose key it is.

    Raises:
        LambdaError: 403, if nobody signed it, somebody unknown, or another request.
    """
    claim = _AUTHORIZATION.fullmatch(request.headers.get("Authorization", "").strip())
    moment = _moment(request.headers.get("X-Amz-Date", ""))
    if claim is None or moment is None:
        raise errors.forbidden()
    caller = await identify(claim["key"])
    token = request.headers.get("X-Amz-Security-Token", "")
    if caller is None or token not in caller.tokens:
        raise errors.unknown_credentials()
    if caller.expires_at is not None and caller.expires_at < time.time():
        raise errors.expired_credentials()
    _check_scope(claim, moment, region)
    _check_moment(moment)
    names = claim["headers"].split(";")
    payload_hash = hashlib.sha256(request.body).hexdigest()
    claimed_hash = request.headers.get("X-Amz-Content-SHA256", payload_hash)
    signature = _Signer(caller, region, names, payload_hash).sign(request, moment)
    if (
        "host" not in names
        or claimed_hash != payload_hash
        or not hmac.compare_digest(signature, claim["signature"])
    ):
        raise errors.bad_signature()
    return caller


def _moment(text: str) -> datetime | None:
    try:
        return datetime.strptime(text, _ISO).replace(tzinfo=UTC)
    except ValueError:
        return None


def _check_scope(claim: re.Match[str], moment: datetime, region: str) -> None:
    if claim["service"] != _SERVICE:
        text = f"Credential should be scoped to correct service: '{_SERVICE}'. "
        raise errors.bad_signature(text)
    if claim["region"] != region:
        text = "Credential should be scoped to a valid region. "
        raise errors.bad_signature(text)
    if claim["day"] != f"{moment:%Y%m%d}":
        text = (
            "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of "
            f"date from HTTP: '{claim['day']}' != '{moment:%Y%m%d}', from "
            f"'{moment:{_ISO}}'."
        )
        raise errors.bad_signature(text)


def _check_moment(moment: datetime) -> None:
    now = datetime.now(UTC)
    if moment < now - _SKEW:
        text = (
            f"Signature expired: {moment:{_ISO}} is now earlier than "
            f"{now - _SKEW:{_ISO}} ({now:{_ISO}} - 5 min.)"
        )
        raise errors.bad_signature(text)
    if moment > now + _SKEW:
        text = (
            f"Signature not yet current: {moment:{_ISO}} is still later than "
            f"{now + _SKEW:{_ISO}} ({now:{_ISO}} + 5 min.)"
        )
        raise errors.bad_signature(text)


class _Signer(SigV4Auth):  # type: ignore[misc] # botocore has no types
    """botocore's signer, told what to sign by the request itself."""

    def __init__(
        self, caller: Caller, region: str, names: Sequence[str], payload_hash: str
    ) -> None:
        super().__init__(
            Credentials(caller.access_key, caller.secret), _SERVICE, region
        )
        self._names = names
        self._payload_hash = payload_hash

    def sign(self, request: Signed, moment: datetime) -> str:
        """Return the signature that the request should have."""
        host = request.headers.get("Host", "")
        copy = AWSRequest(request.method, f"http://{host}{request.target}")
        for name, text in request.headers.items():
            copy.headers.add_header(name, text)
        copy.context["timestamp"] = moment.strftime(_ISO)
        canonical = self.canonical_request(copy)
        return str(self.signature(self.string_to_sign(copy, canonical), copy))

    def headers_to_sign(self, request: AWSRequest) -> HTTPHeaders:
        """Return the headers the client chose."""
        chosen = HTTPHeaders()
        for name in self._names:
            for text in request.headers.get_all(name, []):
                chosen.add_header(name, text)
        return chosen

    def canonical_query_string(self, request: AWSRequest) -> str:
        """Spell the query as AWS does, whatever of it the client had encoded."""
        query = request.url.partition("?")[2]
        parts = [pair.partition("=") for pair in query.split("&") if pair]
        pairs = sorted((_encoded(name), _encoded(text)) for name, _, text in parts)
        return "&".join(f"{name}={text}" for name, text in pairs)

    def payload(self, request: AWSRequest) -> str:
        """Return the hash of the body that came."""
        del request
        return self._payload_hash


def _encoded(text: str) -> str:
    return quote(unquote(text), safe="-_.~")
