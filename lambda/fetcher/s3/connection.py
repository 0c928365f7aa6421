"""
Requests to S3 over libcurl, retried until they succeed.

boto3 is in Lambda's Python, but loading it takes a quarter of a second of CPU time and
40 MB: more than a thousand small downloads.
"""

from __future__ import annotations

import os
from threading import Event
from time import monotonic
from typing import TYPE_CHECKING, NamedTuple

import pycurl

from fetcher.backoff import full_jitter
from fetcher.engines.curl_handle import trust_system_certificates
from fetcher.s3.errors import LateError, S3Error, answered
from fetcher.s3.scratch_files import Part

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fetcher.s3.credentials import S3Credentials
    from fetcher.s3.urls import Place

_CONNECT_S = 5
_SILENCE_S = 20
_LONGEST_S = 86_400.0  # for one request
_PATIENCE_S = 60.0  # what has failed for so long is given up
# Permissions just given are not known everywhere at once.
# https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot.html
_ALLOWED_WITHIN_S = 15.0
_BACKOFF_FIRST_S = 0.1
_BACKOFF_LONGEST_S = 5.0
_BUFFER_BYTES = 524_288  # what libcurl reads at once of what it sends
_MORE_THAN_OK = 300
_NONE: Mapping[str, str] = {}


class S3Response(NamedTuple):
    """
    S3's response to a request that succeeded.

    Attributes:
        headers: By their names in lower case.
    """

    headers: dict[str, str]
    body: bytes


class Connection:
    """
    A connection to S3 for one request at a time, to be used by one thread only.

    When `stopped` is set, the request in flight ends.
    """

    _was_allowed = False  # anything with an object, to any of this process's

    def __init__(
        self, credentials: S3Credentials, stopped: Event | None = None
    ) -> None:
        self._credentials = credentials
        self._stopped = stopped or Event()
        self._curl = curl = pycurl.Curl()
        self._head: list[bytes] = []
        self._body: list[bytes] = []
        curl.setopt(pycurl.PROXY, "")
        curl.setopt(pycurl.NOSIGNAL, 1)
        curl.setopt(pycurl.PATH_AS_IS, 1)
        curl.setopt(pycurl.HTTP_VERSION, pycurl.CURL_HTTP_VERSION_1_1)
        curl.setopt(pycurl.PROTOCOLS, pycurl.PROTO_HTTP | pycurl.PROTO_HTTPS)
        curl.setopt(pycurl.UPLOAD_BUFFERSIZE, _BUFFER_BYTES)
        curl.setopt(pycurl.CONNECTTIMEOUT, _CONNECT_S)
        curl.setopt(pycurl.LOW_SPEED_LIMIT, 1)
        curl.setopt(pycurl.LOW_SPEED_TIME, _SILENCE_S)
        curl.setopt(pycurl.HEADERFUNCTION, self._head.append)
        curl.setopt(pycurl.WRITEFUNCTION, self._body.append)
        curl.setopt(pycurl.NOPROGRESS, 0)
        curl.setopt(pycurl.XFERINFOFUNCTION, lambda *_: self._stopped.is_set())
        if not credentials.endpoint_url.startswith("http:"):
            trust_system_certificates(curl)

    def close(self) -> None:
        """Close the connection."""
        self._curl.close()

    def request(
        self,
        method: str,
        place: Place,
        parameters: Mapping[str, str] = _NONE,
        headers: Mapping[str, str] = _NONE,
        body: bytes | Part = b"",
        *,
        until: float,
    ) -> S3Response:
        """
        Make a request, and repeat it while that may help, but not after `until`.

        Names of headers are in lower case.

        Raises:
            LateError: If it was not done by then.

            S3Error: If S3 refuses, or has failed for a minute.
        """
        began, tries = monotonic(), 0
        last: S3Error | None = None
        while True:
            try:
                answer = self._try(method, place, parameters, headers, body, until)
            except S3Error as error:
                is_late = isinstance(error, LateError)
                if not is_late and (last is None or monotonic() < until):
                    last = error  # what the deadline cut short tells nothing new
                tries += 1
                wait_s = full_jitter(tries, _BACKOFF_FIRST_S, _BACKOFF_LONGEST_S)
                next_at = monotonic() + wait_s
                is_over = self._stopped.is_set() or Connection._was_allowed
                if error.is_denied and not is_over:
                    if next_at >= min(until, began + _ALLOWED_WITHIN_S):
                        raise
                elif self._stopped.is_set() or next_at >= until:
                    raise _late(place, last) from last
                elif not error.can_heal or next_at >= began + _PATIENCE_S:
                    raise
                self._stopped.wait(wait_s)
            else:
                if place.key:  # to list a bucket is another permission
                    Connection._was_allowed = True
                return answer

    def _try(
        self,
        method: str,
        place: Place,
        parameters: Mapping[str, str],
        headers: Mapping[str, str],
        body: bytes | Part,
        until: float,
    ) -> S3Response:
        left_s = until - monotonic()
        if left_s <= 0:
            raise _late(place)
        set_, sent = self._curl.setopt, {"content-type": "", "expect": "", **headers}
        signed = {
            name: text for name, text in sent.items() if name.startswith("x-amz-")
        }
        set_(pycurl.URL, self._credentials.signed(method, place, parameters, signed))
        set_(pycurl.HTTPHEADER, [f"{name}: {text}" for name, text in sent.items()])
        set_(pycurl.TIMEOUT_MS, max(1, int(min(left_s, _LONGEST_S) * 1_000)))
        self._aim(method, body)
        self._head.clear()
        self._body.clear()
        try:
            self._curl.perform()
        except pycurl.error as error:
            _, message = error.args
            msg = f"S3 did not answer: {message or error}"
            raise S3Error(msg, str(place)) from error
        status = self._curl.getinfo(pycurl.RESPONSE_CODE)
        answer = S3Response(_headers(self._head), b"".join(self._body))
        # To complete an upload may fail after the head has said that it did not.
        # https://docs.aws.amazon.com/AmazonS3/latest/API/API_CompleteMultipartUpload.html
        if status >= _MORE_THAN_OK or (method == "POST" and b"<Error>" in answer.body):
            region = answer.headers.get("x-amz-bucket-region", "")
            raise answered(status, answer.body, str(place), region)
        return answer

    def _aim(self, method: str, body: bytes | Part) -> None:
        set_ = self._curl.setopt
        if isinstance(body, Part):
            set_(pycurl.UPLOAD, 1)
            reader = _Reader(body)
            set_(pycurl.READFUNCTION, reader.read)
            set_(pycurl.SEEKFUNCTION, reader.seek)
            set_(pycurl.INFILESIZE_LARGE, body.size)
        elif method in ("PUT", "POST"):
            set_(pycurl.UPLOAD, 0)
            set_(pycurl.POST, 1)
            set_(pycurl.POSTFIELDS, body)
        else:
            set_(pycurl.UPLOAD, 0)
            set_(pycurl.HTTPGET, 1)
            set_(pycurl.NOBODY, method == "HEAD")
        set_(pycurl.CUSTOMREQUEST, method)


class _Reader:
    """Reader of a part for libcurl, which may rewind it."""

    def __init__(self, part: Part) -> None:
        self._descriptor = part.file.fileno()
        self._size = part.size
        self._at = 0

    def read(self, most: int) -> bytes:
        some = os.pread(self._descriptor, min(most, self._size - self._at), self._at)
        self._at += len(some)
        return some

    def seek(self, offset: int, _origin: int) -> int:
        self._at = offset
        return int(pycurl.SEEKFUNC_OK)


def _headers(lines: list[bytes]) -> dict[str, str]:
    pairs = (line.decode("latin-1").partition(":") for line in lines)
    return {name.lower(): text.strip() for name, _, text in pairs}


def _late(place: Place, last: S3Error | None = None) -> LateError:
    reason = f"; at last: {last.strerror}" if last else ""
    return LateError(f"not done at the deadline{reason}", str(place))
