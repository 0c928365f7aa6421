"""A proxy before S3 that fails as it is told, and remembers what it was asked."""

from __future__ import annotations

import threading
from typing import NamedTuple
from urllib.parse import parse_qsl, urlsplit

from tests.support.http_proxy import HttpProxy

WAIT_S = 20
SLOW_DOWN = (503, "SlowDown")
INTERNAL = (500, "InternalError")
DENIED = (403, "AccessDenied")
ERROR_IN_200 = (200, "InternalError")
LOSE_ANSWER = "the request is passed on, its answer is not"
HANG_UP = "the connection is closed"


class Asked(NamedTuple):
    """One request: its query without what signs it, its headers in small letters."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes
    signature: str

    @property
    def what(self):
        """Return what it is about, in S3's words."""
        if self.method == "POST":
            kind = "CompleteMultipartUpload"
            return kind if "uploadId" in self.query else "CreateMultipartUpload"
        if self.method == "PUT":
            return "UploadPart" if "partNumber" in self.query else "PutObject"
        if self.method == "DELETE":
            return (
                "AbortMultipartUpload" if "uploadId" in self.query else "DeleteObject"
            )
        return f"{self.method.capitalize()}Object"


class S3Proxy(HttpProxy):
    """
    Passes requests on to S3, unless `fault` has another idea.

    Args:
        upstream: Where S3 is.

        fault: Given an `Asked`; returns a status and a code, perhaps with the bucket's
            region, or one of the texts above, or nothing. It may wait, too.
    """

    def __init__(self, upstream, fault=lambda _: None):
        super().__init__(upstream)
        self.asked: list[Asked] = []
        self.fault = fault
        # S3 decides on one object at a time; moto looks, and writes a little later.
        self._finishing = threading.Lock()

    def seen(self, what):
        """Return the requests of a kind."""
        return [asked for asked in self.asked if asked.what == what]

    def handle(self, request, body):
        parts = urlsplit(request.path)
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        asked = Asked(
            request.command,
            parts.path,
            {name: text for name, text in query.items() if "X-Amz-" not in name},
            {name.lower(): text for name, text in request.headers.items()},
            body,
            query.get("X-Amz-Signature", ""),
        )
        self.asked.append(asked)
        fault = self.fault(asked)
        if isinstance(fault, tuple):
            self._refuse(request, *fault)
        elif fault == HANG_UP:
            request.close_connection = True
        elif asked.what in ("CompleteMultipartUpload", "PutObject"):
            with self._finishing:
                self.pass_on(request, body, answers=fault != LOSE_ANSWER)
        else:
            self.pass_on(request, body, answers=fault != LOSE_ANSWER)

    def _refuse(self, request, status, code, region=""):
        body = f"<Error><Code>{code}</Code><Message>because</Message></Error>"
        headers = [("x-amz-bucket-region", region)] if region else []
        self.reply(request, status, headers, body.encode())


def once(what, fault):
    """Return what fails the first request of a kind."""
    left = [fault]
    return lambda asked: left.pop() if asked.what == what and left else None


def always(what, fault):
    """Return what fails every request of a kind."""
    return lambda asked: fault if asked.what == what else None
