"""
Whose requests to AWS are, and how they are signed: what AWS's clients read, too.

Lambda gives an execution credentials, region and, if anything stands in for AWS, its
address in these variables. Requests to S3 are signed in their query, as presigned URLs
are: a connection that knows nothing of AWS can make them.
https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html
"""

from __future__ import annotations

import hashlib
import hmac
import os
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from fetcher.s3.urls import address_of, query_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fetcher.s3.urls import Place

ALGORITHM = "AWS4-HMAC-SHA256"
_NONE: Mapping[str, str] = {}
_VALID_S = 900  # from the moment it is made; each try of a request has one of its own


@dataclass(slots=True)
class Account:
    """
    Credentials, and where S3 is.

    Attributes:
        access_key, secret, token: The credentials; the token may be empty.

        region: As in ``us-east-1``; that of the buckets, too.

        endpoint_url: What stands in for AWS; empty: nothing does.
    """

    access_key: str
    secret: str = field(repr=False)
    token: str = field(repr=False)
    region: str
    endpoint_url: str = ""
    _key: tuple[str, bytes] = field(default=("", b""), repr=False)  # and its scope

    @classmethod
    def from_environment(cls) -> Account:
        """
        Return the one that the environment's variables describe.

        Raises:
            OSError: If one is missing; says what to do.
        """
        get = os.environ.get
        region = get("AWS_REGION") or get("AWS_DEFAULT_REGION")
        access_key, secret = get("AWS_ACCESS_KEY_ID"), get("AWS_SECRET_ACCESS_KEY")
        if not (access_key and secret and region):
            msg = (
                "S3 needs AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_REGION in "
                "the environment. Outside of Lambda, the first two come from: "
                'eval "$(aws configure export-credentials --format env)"'
            )
            raise OSError(msg)
        endpoint_url = get("AWS_ENDPOINT_URL_S3") or get("AWS_ENDPOINT_URL") or ""
        token = get("AWS_SESSION_TOKEN", "")
        return cls(access_key, secret, token, region, endpoint_url)

    def address_of(self, place: Place) -> str:
        """Return where requests about an object go."""
        return address_of(place, self.region, self.endpoint_url)

    def signed(
        self,
        method: str,
        place: Place,
        parameters: Mapping[str, str] = _NONE,
        headers: Mapping[str, str] = _NONE,
    ) -> str:
        """
        Return the URL of a request, signed in its query.

        Who knows it can make that request for a quarter of an hour: it is a secret.

        Args:
            method: ``GET``, say.

            place: What it is about.

            parameters: Of the query.

            headers: Those sent with it that begin with ``x-amz-``, in small letters.
        """
        stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
        scope = self.scope_of("s3", stamp)
        scheme, _, rest = self.address_of(place).partition("://")
        host, _, path = rest.partition("/")
        signed = sorted({"host": host, **headers}.items())
        names = ";".join(name for name, _ in signed)
        query = {
            "X-Amz-Algorithm": ALGORITHM,
            "X-Amz-Credential": f"{self.access_key}/{scope}",
            "X-Amz-Date": stamp,
            "X-Amz-Expires": str(_VALID_S),
            "X-Amz-SignedHeaders": names,
            **parameters,
        }
        if self.token:
            query["X-Amz-Security-Token"] = self.token
        asked = query_of(query)
        lines = "".join(f"{name}:{value}\n" for name, value in signed)
        request = f"{method}\n/{path}\n{asked}\n{lines}\n{names}\nUNSIGNED-PAYLOAD"
        signature = self.signature("s3", stamp, request)
        return f"{scheme}://{host}/{path}?{asked}&X-Amz-Signature={signature}"

    def scope_of(self, service: str, stamp: str) -> str:
        """Return what a signature of that moment is good for."""
        return f"{stamp[:8]}/{self.region}/{service}/aws4_request"

    def signature(self, service: str, stamp: str, request: str) -> str:
        """
        Return the signature of a request.

        Args:
            service: As in ``s3``.

            stamp: The moment it is made, as in ``20260101T000000Z``.

            request: In its canonical form.
        """
        scope = self.scope_of(service, stamp)
        digest = hashlib.sha256(request.encode()).hexdigest()
        to_sign = f"{ALGORITHM}\n{stamp}\n{scope}\n{digest}"
        return _mac(self._signing_key(scope), to_sign).hex()

    def _signing_key(self, scope: str) -> bytes:
        its_scope, key = self._key
        if scope != its_scope:
            key = f"AWS4{self.secret}".encode()
            for part in scope.split("/"):
                key = _mac(key, part)
            self._key = scope, key
        return key


def _mac(key: bytes, text: str) -> bytes:
    return hmac.digest(key, text.encode(), "sha256")
