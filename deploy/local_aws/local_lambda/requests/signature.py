"""
Verification of AWS signatures.

Every request to the endpoint is verified, so what several requests have in common is
cached: botocore's signer takes ten times as long. Texts are those of AWS's services.
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

from local_aws.local_lambda.requests.access_keys import Caller, Identify, KeyPair
from local_aws.local_lambda.requests.signature_parsing import (
    ALGORITHM,
    S3,
    Claim,
    Reason,
    SignatureError,
    SignedRequest,
)

# Lambda's is 5 minutes (aws/aws-cli#4600); S3's 15 (docs RESTAuthentication).
_SKEW_S = 300
_SKEW_OF_S = {S3: 900, "iam": 900, "sts": 900}
# docs of GetFunction: https://docs.aws.amazon.com/lambda/latest/api/API_GetFunction.html
_CODE_URL_S = 600
_ISO = "%Y%m%dT%H%M%SZ"
_OWN_PARAMETERS = {"AWSAccessKeyId", "Expires", "Signature", "x-amz-security-token"}
_VERSION_2_PARAMETERS = {*_OWN_PARAMETERS, *HmacV1Auth.QSAOfInterest}
_VERSION_2_HEADERS = ("x-amz-", "content-md5", "content-type")
_QUERY_SIGNATURE = re.compile(r"(^|&)X-Amz-Signature=[^&]*")


async def find_caller(claim: Claim, identify: Identify) -> Caller:
    """
    Find the owner of the key that a request names; `verify` checks the signature.

    Raises:
        SignatureError: If the key is unknown or has expired.
    """
    caller = await identify(claim.access_key)
    if caller is None:
        raise SignatureError(Reason.UNKNOWN_KEY)
    if claim.token not in caller.tokens:
        raise SignatureError(Reason.WRONG_TOKEN)
    if caller.expires_at is not None and caller.expires_at < time.time():
        raise SignatureError(Reason.EXPIRED_TOKEN)
    return caller


def verify(
    request: SignedRequest, claim: Claim, caller: Caller, payload_hash: str
) -> None:
    """
    Check a signature, given the SHA-256 of the body in hex.

    Raises:
        SignatureError: If the signature does not match, has expired, or does not cover
            a header or parameter that S3 obeys.
    """
    if claim.is_version_2:
        expected = _version_2(request, claim, caller)
    else:
        _check_scope(claim)
        expected = _signature(request, claim, caller.secret, payload_hash)
    signature = claim.signature.encode("utf-8", "surrogatepass")
    if not hmac.compare_digest(expected.encode(), signature) or (
        "host" not in claim.signed_headers and not claim.is_version_2
    ):
        raise SignatureError(Reason.MISMATCH)
    _check_moment(claim)
    if claim.is_version_2:
        _check_query(request)
    elif claim.service == S3:
        _check_headers(request, claim)


def presign(url: str, keys: KeyPair, region: str) -> str:
    """Sign a URL of Lambda's for ten minutes, as AWS does."""
    request = AWSRequest("GET", url)
    credentials = Credentials(keys.access_key_id, keys.secret_access_key)
    SigV4QueryAuth(credentials, "lambda", region, _CODE_URL_S).add_auth(request)
    return str(request.url)


def _signature(
    request: SignedRequest, claim: Claim, secret: str, payload_hash: str
) -> str:
    """Return the signature that a request should have."""
    path, _, query = request.target.partition("?")
    if claim.lifetime_s is not None:
        query = _QUERY_SIGNATURE.sub("", query)
    names = claim.signed_headers
    lines = (
        *(request.method, _canonical_path(path, claim.service)),
        _canonical_query(query),
        *(f"{name}:{_header(request.headers.getall(name, ()))}" for name in names),
        *("", ";".join(names), payload_hash),
    )
    canonical = "\n".join(lines)
    hashed = hashlib.sha256(canonical.encode("utf-8", "surrogateescape")).hexdigest()
    scope = f"{claim.day}/{claim.region}/{claim.service}/aws4_request"
    to_sign = f"{ALGORITHM}\n{claim.timestamp}\n{scope}\n{hashed}"
    key = _signing_key(secret, claim.day, claim.region, claim.service)
    return _mac(key, to_sign).hex()


def _version_2(request: SignedRequest, claim: Claim, caller: Caller) -> str:
    """Return the signature that a presigned S3 URL of version 2 should have."""
    headers = HTTPHeaders()
    for name, text in request.headers.items():
        headers.add_header(name, text)
    keys = Credentials(caller.access_key, caller.secret, claim.token or None)
    url = urlsplit(f"http://s3{request.target}")
    signer = _Version2(keys, claim.timestamp)
    return str(signer.get_signature(request.method, url, headers))


class _Version2(HmacV1Auth):  # type: ignore[misc] # botocore has no types
    """botocore's signer, with the expiry of a presigned URL in place of the date."""

    def __init__(self, keys: Credentials, expires_at: str) -> None:
        super().__init__(keys)
        self._expires_at = expires_at

    def _get_date(self) -> str:
        return self._expires_at


@lru_cache(maxsize=256)
def _canonical_path(path: str, service: str) -> str:
    if service == S3:  # it does not normalize paths
        return _encoded(path, "/")
    if "//" in path or "/." in path:
        path = normalize_url_path(path)
    return quote(path, safe="/~")


def _canonical_query(query: str) -> str:
    """Encode a query as AWS does, whatever the client left unencoded."""
    if not query:
        return ""
    parts = [pair.partition("=") for pair in query.split("&") if pair]
    pairs = sorted((_encoded(name), _encoded(text)) for name, _, text in parts)
    return "&".join(f"{name}={text}" for name, text in pairs)


def _encoded(text: str, safe: str = "") -> str:
    return quote(unquote(text), safe=f"-_.~{safe}")


def _header(values: Sequence[str]) -> str:
    return ",".join([" ".join(value.split()) for value in values])


@lru_cache(maxsize=64)
def _signing_key(secret: str, day: str, region: str, service: str) -> bytes:
    key = f"AWS4{secret}".encode()
    for part in (day, region, service, "aws4_request"):
        key = _mac(key, part)
    return key


def _mac(key: bytes, text: str) -> bytes:
    return hmac.digest(key, text.encode(), "sha256")


@lru_cache(maxsize=64)
def _moment(timestamp: str) -> datetime | None:
    try:
        return datetime.strptime(timestamp, _ISO).replace(tzinfo=UTC)
    except ValueError:
        return None


def _check_scope(claim: Claim) -> None:
    moment = _moment(claim.timestamp)
    if moment is None:
        text = "Date must be in ISO-8601 'basic format'. Got {!a}."
        raise SignatureError(Reason.MALFORMED, text.format(claim.timestamp))
    if not claim.timestamp.startswith(claim.day):
        text = (
            "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of "
            f"date from HTTP: '{claim.day}' != '{claim.timestamp[:8]}', from "
            f"'{claim.timestamp}'."
        )
        raise SignatureError(Reason.WRONG_SCOPE, text)


def _check_moment(claim: Claim) -> None:
    if claim.is_version_2:
        if int(claim.timestamp) < time.time():
            raise SignatureError(Reason.EXPIRED_URL)
        return
    signed = _moment(claim.timestamp)
    assert signed is not None
    skew_s = _SKEW_OF_S.get(claim.service, _SKEW_S)
    ago_s = time.time() - signed.timestamp()
    if -skew_s <= ago_s <= (skew_s if claim.lifetime_s is None else claim.lifetime_s):
        return
    if claim.lifetime_s is not None and ago_s > 0:
        raise SignatureError(Reason.EXPIRED_URL)
    now, skew = datetime.now(UTC), timedelta(seconds=skew_s)
    allowed = f"({now:{_ISO}} {'-' if ago_s > 0 else '+'} {skew_s // 60} min.)"
    text = (
        f"Signature expired: {claim.timestamp} is now earlier than "
        f"{now - skew:{_ISO}} {allowed}"
        if ago_s > 0
        else f"Signature not yet current: {claim.timestamp} is still later than "
        f"{now + skew:{_ISO}} {allowed}"
    )
    raise SignatureError(Reason.WRONG_TIME, text)


def _check_headers(request: SignedRequest, claim: Claim) -> None:
    """Refuse x-amz headers that the URL's signature does not cover."""
    for name in map(str.lower, request.headers):
        if name.startswith("x-amz-") and name not in claim.signed_headers:
            raise SignatureError(Reason.UNSIGNED_PART)


def _check_query(request: SignedRequest) -> None:
    """
    Refuse parameters that version 2 does not sign, whoever added them.

    botocore repeats signed headers in the query. Names are compared as they came, as
    the signer does: ``%61cl`` is not signed, but is ``acl`` to S3.
    """
    _, _, query = request.target.partition("?")
    for pair in query.split("&"):
        name, _, text = pair.partition("=")
        if name in _VERSION_2_PARAMETERS or (
            name.startswith(_VERSION_2_HEADERS)
            and request.headers.get(name) == unquote(text)
        ):
            continue
        text = f"The query has {name!r}, which signature version 2 does not sign"
        raise SignatureError(Reason.UNSIGNED_PART, text)
