"""
One object sent in parts while it grows, and visible only once it is whole.

The first upload to finish under a name keeps it; later ones are told so. An upload that
is never finished is invisible, but its parts are stored and paid for until somebody
aborts it.
https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html
"""

from __future__ import annotations

import os
import re
import uuid
import zlib
from base64 import b64encode
from contextlib import suppress
from threading import Lock
from time import monotonic, sleep
from typing import TYPE_CHECKING

from fetcher.s3.connection import Connection
from fetcher.s3.errors import LateError, S3Error
from fetcher.s3.senders import Senders

if TYPE_CHECKING:
    from fetcher.s3.credentials import S3Credentials
    from fetcher.s3.scratch_files import Part
    from fetcher.s3.urls import Place

# https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html
LEAST_PART = 5 * 2**20  # bytes, of every part but the last
MOST_PART = 5 * 2**30

_SENDERS = 4  # one connection to S3 is slower than an execution's network
_READ_BYTES = 262_144
_LAST_LOOK_S = 1.0  # of the time kept back for reporting
_AT_ONCE_S = 5.0
_LOOK_EVERY_S = 0.2
_TOKEN = "x-amz-meta-written-by"  # noqa: S105 - says who wrote an object
_IF_FIRST = {"if-none-match": "*"}
_UPLOAD_ID = re.compile(rb"<UploadId>(.*?)</UploadId>")
_COMPLETE = (
    '<CompleteMultipartUpload xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
    "{}</CompleteMultipartUpload>"
)
_AT_ONCE = "ConditionalRequestConflict"
_GONE = "NoSuchUpload"
_TAKEN = frozenset({"PreconditionFailed", _GONE, _AT_ONCE})


class Upload:
    """
    An object on its way.

    Attributes:
        failure: Why it can no longer be finished; None: it can.
    """

    def __init__(self, credentials: S3Credentials, place: Place) -> None:
        self.failure: S3Error | None = None
        self._place = place
        self._senders = Senders(credentials, _SENDERS)
        self._connection = Connection(credentials)
        self._mark = {_TOKEN: uuid.uuid4().hex}
        self._creating = Lock()
        self._id = ""
        self._parts_begun = 0
        self._look_s = _LAST_LOOK_S  # left of it
        self._sent: dict[int, tuple[str, str]] = {}  # by number: ETag, CRC-32

    @property
    def pending_bytes(self) -> int:
        """Bytes given to `send` that have not arrived yet."""
        return self._senders.pending_bytes

    def send(self, part: Part, until: float) -> None:
        """Send the next part, of `LEAST_PART` at least; release it once it is sent."""
        self._parts_begun += 1
        number = self._parts_begun

        def send(connection: Connection) -> None:
            if not self.failure:
                try:
                    self._send(connection, number, part, until)
                except S3Error as error:
                    self.failure = self.failure or error
                except OSError as error:
                    reason = f"what was to be sent cannot be read: {error.strerror}"
                    self.failure = self.failure or S3Error(reason, str(self._place))

        self._senders.submit(send, part)

    def finish(self, last: Part, until: float) -> bool:
        """
        Send the last part, of any size, and make the object visible.

        Returns:
            Whether the object is this one; if not, another was there first.

        Raises:
            S3Error: If there is neither this one nor another.
        """
        try:
            if self._parts_begun:
                self._complete(last, until)
            else:
                try:
                    self._put(last, until)
                finally:
                    last.release()
        except S3Error as error:
            return self._is_first_after_all(error)
        return True

    def close(self) -> None:
        """Abort what is in flight, and an object that was not finished."""
        self._senders.close()
        if self._id:  # even if it was aborted: parts in flight may have arrived since
            with suppress(S3Error):
                self._abort(monotonic() + self._look_s)
        self._connection.close()

    def _send(
        self, connection: Connection, number: int, part: Part, until: float
    ) -> None:
        with self._creating:
            if not self._id:
                self._id = self._create(connection, until)
        crc = _crc_of(part)
        which = {"partNumber": str(number), "uploadId": self._id}
        headers = {"x-amz-checksum-crc32": crc}
        answer = connection.request(
            "PUT", self._place, which, headers, part, until=until
        )
        self._sent[number] = answer.headers.get("etag", ""), crc  # S3 checks it

    def _create(self, connection: Connection, until: float) -> str:
        headers = {**self._mark, "x-amz-checksum-algorithm": "CRC32"}
        answer = connection.request(
            "POST", self._place, {"uploads": ""}, headers, until=until
        )
        found = _UPLOAD_ID.search(answer.body)
        if not found:
            msg = "S3 began an upload without saying which"
            raise S3Error(msg, str(self._place))
        return found[1].decode()

    def _complete(self, last: Part, until: float) -> None:
        self.send(last, until)
        is_done = self._senders.wait(until)
        if self.failure:
            raise self.failure
        if not is_done:
            msg = f"{self.pending_bytes:,} bytes were still to be sent at the deadline"
            raise LateError(msg, str(self._place))
        parts = "".join(
            f"<Part><PartNumber>{number}</PartNumber><ETag>{etag}</ETag>"
            f"<ChecksumCRC32>{crc}</ChecksumCRC32></Part>"
            for number, (etag, crc) in sorted(self._sent.items())
        )
        which, body = {"uploadId": self._id}, _COMPLETE.format(parts).encode()
        self._connection.request(
            "POST", self._place, which, _IF_FIRST, body, until=until
        )
        self._id = ""

    def _put(self, whole: Part, until: float) -> None:
        headers = self._mark | _IF_FIRST | {"x-amz-checksum-crc32": _crc_of(whole)}
        self._connection.request(
            "PUT", self._place, headers=headers, body=whole, until=until
        )

    def _is_first_after_all(self, error: S3Error) -> bool:
        """
        Tell whether the object there is ours, after an attempt that may have succeeded.

        If a response is lost on its way, the retry finds the name taken, by us.
        """
        is_late = isinstance(error, LateError)
        if not (is_late or error.code in _TAKEN):
            raise error
        if error.code == _AT_ONCE:
            return self._is_first_of_two(error)
        until = monotonic() + self._look_s
        try:
            if self._id and is_late:
                # From here on it will not be finished, or it is already.
                self._senders.stopped.set()
                with suppress(S3Error):
                    self._abort(until)
            return self._is_ours(until)
        except S3Error:
            raise error from None
        finally:
            self._look_s = until - monotonic()

    def _is_first_of_two(self, error: S3Error) -> bool:
        """Tell the same once one of two that finished at once is visible."""
        until = monotonic() + _AT_ONCE_S
        while True:
            with suppress(S3Error):
                return self._is_ours(until)
            if monotonic() + _LOOK_EVERY_S > until:
                msg = "two executions finished at once, and neither is there"
                raise LateError(msg, str(self._place)) from error
            sleep(_LOOK_EVERY_S)  # the other is not visible yet

    def _is_ours(self, until: float) -> bool:
        answer = self._connection.request("HEAD", self._place, until=until)
        return answer.headers.get(_TOKEN) == self._mark[_TOKEN]

    def _abort(self, until: float) -> None:
        abort(self._connection, self._place, self._id, until)


def abort(connection: Connection, place: Place, upload_id: str, until: float) -> None:
    """
    Abort an upload, unless that, or its end, has come before.

    Raises:
        S3Error: If S3 refuses, or does not answer.
    """
    try:
        connection.request("DELETE", place, {"uploadId": upload_id}, until=until)
    except S3Error as error:
        if error.code != _GONE:
            raise


def _crc_of(part: Part) -> str:
    crc, at = 0, 0
    while at < part.size:
        some = os.pread(part.file.fileno(), min(_READ_BYTES, part.size - at), at)
        crc = zlib.crc32(some, crc)
        at += len(some)
    return b64encode(crc.to_bytes(4, "big")).decode("ascii")
