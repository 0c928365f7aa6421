"""
Requests signed with AWS's Signature Version 4, in their headers or in their query.

botocore's signer computes each signature from scratch, which takes longer than sending
the request. This one keeps what requests share: the time stamp for a second, the
signing key for a day.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

from __future__ import annotations

import hashlib
import hmac
import time
from typing import TYPE_CHECKING, NamedTuple, Protocol
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Mapping

_ALGORITHM = "AWS4-HMAC-SHA256"
_UNRESERVED = "-_.~"
_VALID_S = 900  # of a signed URL
_NONE: Mapping[str, str] = {}


class Credentials(Protocol):
    """Credentials as this package, and botocore, spell them."""

    @property
    def access_key(self) -> str:
        """The public half."""

    @property
    def secret_key(self) -> str:
        """The secret half."""

    @property
    def token(self) -> str | None:
        """The session token of temporary credentials; empty or None: permanent."""


class _Moment(NamedTuple):
    second: int
    stamp: str  # 20261124T135624Z
    scope: str  # 20261124/us-east-1/lambda/aws4_request


class Signer:
    """Signer of requests to one service, such as ``lambda``; any thread may use it."""

    def __init__(self, service: str, region: str) -> None:
        self._parts = region, service, "aws4_request"
        self._moment = _Moment(-1, "", "")
        self._key = ("", "", b"")  # its scope and secret, and the key

    def headers(
        self,
        credentials: Credentials,
        host: str,
        path: str,
        payload: bytes,
        headers: Mapping[str, str] = _NONE,
    ) -> dict[str, str]:
        """
        Return all the headers of a POST without a query, its signature included.

        The path is percent-encoded; names of further headers are in lower case.
        """
        moment = self._now()
        signed = {"host": host, "x-amz-date": moment.stamp, **headers}
        if credentials.token:
            signed["x-amz-security-token"] = credentials.token
        # Every service but S3 wants the path encoded once more.
        target = f"{quote(path, '/~')}\n"
        body_hash = hashlib.sha256(payload).hexdigest()
        names, signature = self._sign(
            credentials, moment, "POST", target, signed, body_hash
        )
        signed["authorization"] = (
            f"{_ALGORITHM} Credential={credentials.access_key}/{moment.scope}, "
            f"SignedHeaders={names}, Signature={signature}"
        )
        return signed

    def signed_url(
        self,
        credentials: Credentials,
        method: str,
        url: str,
        parameters: Mapping[str, str] = _NONE,
        headers: Mapping[str, str] = _NONE,
    ) -> str:
        """
        Return the URL of a request to S3, signed in its query.

        Whoever knows it can make the request for a quarter of an hour: it is a secret.
        The address is percent-encoded and has no query. The headers, by their names in
        lower case, must be sent along.
        https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html
        """
        moment = self._now()
        host, _, path = url.partition("://")[2].partition("/")
        signed = {"host": host, **headers}
        query = {
            "X-Amz-Algorithm": _ALGORITHM,
            "X-Amz-Credential": f"{credentials.access_key}/{moment.scope}",
            "X-Amz-Date": moment.stamp,
            "X-Amz-Expires": str(_VALID_S),
            "X-Amz-SignedHeaders": ";".join(sorted(signed)),
            **parameters,
        }
        if credentials.token:
            query["X-Amz-Security-Token"] = credentials.token
        text = _query(query)
        _, signature = self._sign(
            credentials, moment, method, f"/{path}\n{text}", signed, "UNSIGNED-PAYLOAD"
        )
        return f"{url}?{text}&X-Amz-Signature={signature}"

    def _sign(
        self,
        credentials: Credentials,
        moment: _Moment,
        method: str,
        target: str,
        headers: Mapping[str, str],
        body_hash: str,
    ) -> tuple[str, str]:
        """Return the names of the signed headers, and the signature."""
        pairs = sorted(headers.items())
        lines = "".join([f"{name}:{text}\n" for name, text in pairs])
        names = ";".join([name for name, _ in pairs])
        request = f"{method}\n{target}\n{lines}\n{names}\n{body_hash}"
        request_hash = hashlib.sha256(request.encode()).hexdigest()
        to_sign = f"{_ALGORITHM}\n{moment.stamp}\n{moment.scope}\n{request_hash}"
        key = self._key_for(moment.scope, credentials.secret_key)
        return names, _mac(key, to_sign).hex()

    def _now(self) -> _Moment:
        second = int(time.time())
        moment = self._moment
        if second != moment.second:
            stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(second))
            scope = "/".join((stamp[:8], *self._parts))
            moment = self._moment = _Moment(second, stamp, scope)
        return moment

    def _key_for(self, scope: str, secret: str) -> bytes:
        key_scope, key_secret, key = self._key
        if (scope, secret) != (key_scope, key_secret):
            key = f"AWS4{secret}".encode()
            for part in scope.split("/"):
                key = _mac(key, part)
            self._key = scope, secret, key
        return key


def _query(parameters: Mapping[str, str]) -> str:
    """
    Return parameters as they are signed: sorted and percent-encoded.

    >>> _query({"uploadId": "a/b", "partNumber": "2"})
    'partNumber=2&uploadId=a%2Fb'
    """
    pairs = sorted(
        (quote(name, _UNRESERVED), quote(value, _UNRESERVED))
        for name, value in parameters.items()
    )
    return "&".join(f"{name}={value}" for name, value in pairs)


def _mac(key: bytes, text: str) -> bytes:
    return hmac.digest(key, text.encode(), "sha256")
