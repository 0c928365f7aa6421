"""
AWS signatures, verified: who sent a request, and that nobody changed it.

Every request of the endpoint is verified, so what several have in common is kept:
botocore's signer takes ten times as long. Texts are those of AWS's services.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

import hashlib
import hmac
import re
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from urllib.parse import quote, unquote, urlsplit

from botocore.auth import HmacV1Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest, HTTPHeaders
from botocore.credentials import Credentials
from botocore.utils import normalize_url_path

from local_aws.local_lambda.requests.callers import Caller, Identify, KeyPair
from local_aws.local_lambda.requests.claims import (
    ALGORITHM,
    S3,
    Claim,
    Reason,
    SignatureError,
    Signed,
)

# Lambda's is 5 minutes (aws/aws-cli#4600); S3's 15 (docs RESTAuthentication).
_SKEW_S = 300
_SKEW_OF_S = {S3: 900, "iam": 900, "sts": 900}
# docs of GetFunction: https://docs.aws.amazon.com/lambda/latest/api/API_GetFunction.html
_CODE_LASTS_S = 600
_ISO = "%Y%m%dT%H%M%SZ"
_SIGNED_AGAIN = re.compile(r"(^|&)X-Amz-Signature=[^&]*")


async def caller_of(claim: Claim, identify: Identify) -> Caller:
    """
    Find whose key a request names. That it holds is for `verify` to say.

    Raises:
        SignatureError: If it is nobody's, or its time is over.
    """
    caller = await identify(claim.access_key)
    if caller is None:
        raise SignatureError(Reason.UNKNOWN_KEY)
    if claim.token not in caller.tokens:
        raise SignatureError(Reason.OTHER_SESSION)
    if caller.expires_at is not None and caller.expires_at < time.time():
        raise SignatureError(Reason.SESSION_OVER)
    return caller


def verify(request: Signed, claim: Claim, caller: Caller, payload_hash: str) -> None:
    """
    Check a signature.

    Args:
        request: What came.

        claim: What it says.

        caller: Whose key it names.

        payload_hash: The hash of its body, in hex.

    Raises:
        SignatureError: If it does not hold, or not any more.
    """
    if claim.is_version_2:
        expected = _version_2(request, claim, caller)
    else:
        _check_scope(claim)
        expected = _signature(request, claim, caller.secret, payload_hash)
    if not hmac.compare_digest(expected, claim.signature) or (
        "host" not in claim.headers and not claim.is_version_2
    ):
        raise SignatureError(Reason.MISMATCH)
    _check_moment(claim)


def presigned(url: str, keys: KeyPair, region: str) -> str:
    """Return a URL of Lambda's that anybody may GET for ten minutes, as on AWS."""
    request = AWSRequest("GET", url)
    credentials = Credentials(keys.access_key_id, keys.secret_access_key)
    SigV4QueryAuth(credentials, "lambda", region, _CODE_LASTS_S).add_auth(request)
    return str(request.url)


def _signature(request: Signed, claim: Claim, secret: str, payload_hash: str) -> str:
    """Return the signature that a request should have."""
    path, _, query = request.target.partition("?")
    if claim.lasts_s is not None:
        query = _SIGNED_AGAIN.sub("", query)
    lines = [
        f"{name}:{_header(request.headers.getall(name, ()))}" for name in claim.headers
    ]
    canonical = "\n".join(
        (
            request.method,
            _canonical_path(path, claim.service),
            _canonical_query(query),
            *lines,
            "",
            ";".join(claim.headers),
            payload_hash,
        )
    )
    hashed = hashlib.sha256(canonical.encode("utf-8", "surrogateescape")).hexdigest()
    scope = f"{claim.day}/{claim.region}/{claim.service}/aws4_request"
    to_sign = f"{ALGORITHM}\n{claim.stamp}\n{scope}\n{hashed}"
    key = _signing_key(secret, claim.day, claim.region, claim.service)
    return _mac(key, to_sign).hex()


def _version_2(request: Signed, claim: Claim, caller: Caller) -> str:
    """Return the signature that a presigned S3 URL of version 2 should have."""
    headers = HTTPHeaders()
    for name, text in request.headers.items():
        headers.add_header(name, text)
    keys = Credentials(caller.access_key, caller.secret, claim.token or None)
    url = urlsplit(f"http://s3{request.target}")
    signer = _Version2(keys, claim.stamp)
    return str(signer.get_signature(request.method, url, headers))


class _Version2(HmacV1Auth):  # type: ignore[misc] # botocore has no types
    """botocore's signer, for a URL that ends when the request says."""

    def __init__(self, keys: Credentials, ends: str) -> None:
        super().__init__(keys)
        self._ends = ends

    def _get_date(self) -> str:
        return self._ends


def _canonical_path(path: str, service: str) -> str:
    if service == S3:  # which takes paths as they are
        return _encoded(path, "/")
    if "//" in path or "/." in path:
        path = normalize_url_path(path)
    return quote(path, safe="/~")


def _canonical_query(query: str) -> str:
    """Spell a query as AWS does, whatever of it the client had encoded."""
    if not query:
        return ""
    parts = [pair.partition("=") for pair in query.split("&") if pair]
    pairs = sorted((_encoded(name), _encoded(text)) for name, _, text in parts)
    return "&".join(f"{name}={text}" for name, text in pairs)


def _encoded(text: str, safe: str = "") -> str:
    return quote(unquote(text), safe=f"-_.~{safe}")


def _header(values: Sequence[str]) -> str:
    return ",".join(" ".join(value.split()) for value in values)


@lru_cache(maxsize=64)
def _signing_key(secret: str, day: str, region: str, service: str) -> bytes:
    key = f"AWS4{secret}".encode()
    for part in (day, region, service, "aws4_request"):
        key = _mac(key, part)
    return key


def _mac(key: bytes, text: str) -> bytes:
    return hmac.digest(key, text.encode(), "sha256")


@lru_cache(maxsize=64)
def _moment(stamp: str) -> datetime | None:
    try:
        return datetime.strptime(stamp, _ISO).replace(tzinfo=UTC)
    except ValueError:
        return None


def _check_scope(claim: Claim) -> None:
    moment = _moment(claim.stamp)
    if moment is None:
        text = "Date must be in ISO-8601 'basic format'. Got '{}'."
        raise SignatureError(Reason.MALFORMED, text.format(claim.stamp))
    if not claim.stamp.startswith(claim.day):
        text = (
            "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of "
            f"date from HTTP: '{claim.day}' != '{claim.stamp[:8]}', from "
            f"'{claim.stamp}'."
        )
        raise SignatureError(Reason.SCOPE, text)


def _check_moment(claim: Claim) -> None:
    if claim.is_version_2:
        if int(claim.stamp) < time.time():
            raise SignatureError(Reason.URL_OVER)
        return
    signed = _moment(claim.stamp)
    assert signed is not None
    skew_s = _SKEW_OF_S.get(claim.service, _SKEW_S)
    ago_s = time.time() - signed.timestamp()
    if -skew_s <= ago_s <= (skew_s if claim.lasts_s is None else claim.lasts_s):
        return
    if claim.lasts_s is not None and ago_s > 0:
        raise SignatureError(Reason.URL_OVER)
    now, skew = datetime.now(UTC), timedelta(seconds=skew_s)
    allowed = f"({now:{_ISO}} {'-' if ago_s > 0 else '+'} {skew_s // 60} min.)"
    text = (
        f"Signature expired: {claim.stamp} is now earlier than "
        f"{now - skew:{_ISO}} {allowed}"
        if ago_s > 0
        else f"Signature not yet current: {claim.stamp} is still later than "
        f"{now + skew:{_ISO}} {allowed}"
    )
    raise SignatureError(Reason.TIME, text)
