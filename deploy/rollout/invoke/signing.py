"""
AWS's Signature Version 4 for many calls of one address: what they share is kept.

botocore's signer works each of them out from nothing, which takes longer than sending
it. https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

from __future__ import annotations

import hashlib
import hmac
import time
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote

if TYPE_CHECKING:
    from botocore.credentials import ReadOnlyCredentials

_ALGORITHM = "AWS4-HMAC-SHA256"


class _Moment(NamedTuple):
    second: int
    stamp: str  # 20261124T135624Z
    day: str


class Signer:
    """
    Signs POSTs of JSON.

    Args:
        service: As in ``lambda``.

        region: As in ``us-east-1``.

        host: The address they go to, with its port if that is not the usual one.
    """

    def __init__(self, service: str, region: str, host: str) -> None:
        self._host = host
        self._region = region
        self._service = service
        self._moment = _Moment(-1, "", "")
        self._key_of = ("", "")
        self._key = b""

    def headers(
        self,
        credentials: ReadOnlyCredentials,
        path: str,
        payload: bytes,
        *,
        log_type: str = "",
    ) -> dict[str, str]:
        """
        Return all the headers a call needs.

        Args:
            credentials: Whose call it is.

            path: As it is sent, percent-encoded.

            payload: Its body.

            log_type: ``Tail`` if the answer shall have the end of the log.
        """
        _, stamp, day = self._now()
        headers = {  # in the alphabet's order, as they are signed
            "Content-Type": "application/json",
            "Host": self._host,
            "X-Amz-Date": stamp,
        }
        if log_type:
            headers["X-Amz-Log-Type"] = log_type
        if credentials.token:
            headers["X-Amz-Security-Token"] = credentials.token
        signed = ";".join(headers).lower()
        lines = "".join(f"{key.lower()}:{text}\n" for key, text in headers.items())
        body_hash = hashlib.sha256(payload).hexdigest()
        # Lambda is among the services that want the path encoded once more.
        request = f"POST\n{quote(path, '/~')}\n\n{lines}\n{signed}\n{body_hash}"
        request_hash = hashlib.sha256(request.encode()).hexdigest()
        scope = f"{day}/{self._region}/{self._service}/aws4_request"
        to_sign = f"{_ALGORITHM}\n{stamp}\n{scope}\n{request_hash}"
        key = self._key_for(day, credentials.secret_key)
        signature = _mac(key, to_sign).hex()
        headers["Authorization"] = (
            f"{_ALGORITHM} Credential={credentials.access_key}/{scope}, "
            f"SignedHeaders={signed}, Signature={signature}"
        )
        return headers

    def _now(self) -> _Moment:
        second = int(time.time())
        if second != self._moment.second:
            stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(second))
            self._moment = _Moment(second, stamp, stamp[:8])
        return self._moment

    def _key_for(self, day: str, secret: str) -> bytes:
        if (day, secret) != self._key_of:
            key = f"AWS4{secret}".encode()
            for part in (day, self._region, self._service, "aws4_request"):
                key = _mac(key, part)
            self._key_of, self._key = (day, secret), key
        return self._key


def _mac(key: bytes, text: str) -> bytes:
    return hmac.digest(key, text.encode(), "sha256")
