"""
Reasons why a request to S3 failed.

* S3Error        an `OSError`: sinks fail with these, and rows end as `sink`
  x LateError    the deadline has passed
"""

from __future__ import annotations

import errno
import re
from html import unescape

_DENIED = "AccessDenied"
# No other object of the bucket will fare better; what is denied may be an exception,
# see `is_denied`.
_HOPELESS = {
    *(_DENIED, "AllAccessDisabled", "ExpiredToken", "InvalidAccessKeyId"),
    *("InvalidToken", "NoSuchBucket", "PermanentRedirect", "SignatureDoesNotMatch"),
    "AuthorizationQueryParametersError",
}
_ELSEWHERE = {"PermanentRedirect", "AuthorizationQueryParametersError"}
# https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
_HEALING_STATUSES = frozenset({408, 429, 500, 502, 503, 504})
_HEALING_CODES = frozenset({"InternalError", "RequestTimeout", "SlowDown"})
_CODE = re.compile(rb"<Code>(.*?)</Code>")
_REGION = re.compile(rb"<Region>(.*?)</Region>")
_MESSAGE = re.compile(rb"<Message>(.*?)</Message>", re.DOTALL)


class S3Error(OSError):
    """
    S3 refused, or could not be reached.

    Attributes:
        code: S3's name for it, as in ``NoSuchKey``; empty: there was no response.

        status: The response's HTTP status; 0: there was none.
    """

    def __init__(
        self, summary: str, where: str, *, code: str = "", status: int = 0
    ) -> None:
        super().__init__(errno.EIO, summary, where)
        self.code = code
        self.status = status

    @property
    def can_heal(self) -> bool:
        """Whether trying again may help."""
        return (
            not self.status
            or self.status in _HEALING_STATUSES
            or self.code in _HEALING_CODES
        )

    @property
    def is_denied(self) -> bool:
        """Whether a permission is lacking, maybe for this object alone."""
        return self.code == _DENIED

    @property
    def is_hopeless(self) -> bool:
        """Whether no other object of the bucket will fare better; see `is_denied`."""
        return self.code in _HOPELESS


class LateError(S3Error):
    """The deadline has passed."""


def answered(status: int, body: bytes, where: str, region: str) -> S3Error:
    """
    Return the error that a response means.

    `region` is the bucket's, as its header says, or empty.
    """
    code = _text(_CODE, body)
    summary = f"S3 answered {status} {code}".rstrip()
    if message := _text(_MESSAGE, body):
        summary += f": {message}"
    region = region or _text(_REGION, body)
    if code in _ELSEWHERE and region:
        where_to = f"The bucket is in {region}; the worker has to run there, too."
        summary = f"{summary.rstrip('.')}. {where_to}"
    return S3Error(summary, where, code=code, status=status)


def _text(pattern: re.Pattern[bytes], body: bytes) -> str:
    found = pattern.search(body)
    return unescape(found[1].decode(errors="replace")) if found else ""
