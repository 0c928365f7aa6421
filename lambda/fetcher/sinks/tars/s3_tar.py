"""
Sink of one tar in S3, for WebDataset and for anything that reads tars.

So a million files become a thousand uploads. Members are written to files in temporary
storage, the parts of a multipart upload, which are sent as soon as they are full; no
part is ever held in memory. A body is written there once it is judged whole; until then
one that arrives in pieces has a file of its own.

The tar is visible only once it is complete. An execution's is named after run, wave and
shard. If two executions have the same shard, the first to finish keeps the name; the
other then reports what is in the tar that is there.
"""

from __future__ import annotations

import errno
import logging
from array import array
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

from fetcher.contract.download_results import Download
from fetcher.contract.outcome import Outcome
from fetcher.s3.connection import Connection
from fetcher.s3.errors import S3Error
from fetcher.s3.scratch_files import Files, Part
from fetcher.s3.upload import LEAST_PART, MOST_PART, Upload
from fetcher.sinks.file_writing import write_all
from fetcher.sinks.spooled_body import SpooledBody, lost
from fetcher.sinks.tars.member import BLOCK, member_of
from fetcher.sinks.tars.s3_tar_index import TAR, index_of, rows_in
from fetcher.sinks.tars.tar_writing import TarPart
from fetcher.transfer.sink import WHOLE, Sink

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fetcher.contract.source import Item
    from fetcher.s3.credentials import S3Credentials
    from fetcher.s3.urls import Place
    from fetcher.sinks.tars.member import Member

# Larger parts are fewer requests, each of which costs, and of which a prefix takes
# 3,500 a second; smaller ones leave less to be sent when the last download has ended.
PART_BYTES = 16 * 2**20
_FULL_BYTES = 6 * PART_BYTES  # on their way: as much temporary storage is taken

_OTHER = "another execution of this shard finished first, without this file"
_FOREIGN = "another run has written its tar meanwhile"
_log = logging.getLogger(__name__)


def tar_of(prefix: Place, run: str, wave: int, shard: int) -> Place:
    """
    Return the tar that holds a shard's files.

    >>> from fetcher.s3.urls import Place
    >>> str(tar_of(Place("photos", "kept"), "r1", 0, 42))
    's3://photos/kept/r1/00-00042.tar'
    """
    return prefix.below(f"{run}/{wave:02}-{shard:05}{TAR}")


class S3Tar(Sink):
    """
    Sink that keeps all bodies in one tar.

    Args:
        tar: Where it will be; its index is beside it.

        until: When all has to be safe, on the monotonic clock.

        by_row: Whether it is of a list: members are called after their rows, paths say
            which, and a tar that is there already is another's.

    Attributes:
        kept: Numbers of the bodies in it.
    """

    settles = True

    def __init__(
        self,
        tar: Place,
        credentials: S3Credentials,
        until: float,
        *,
        by_row: bool = False,
    ) -> None:
        self._by_row = by_row
        self._tar = tar
        self._path = str(tar)
        self._until = until
        self._connection = Connection(credentials)
        self._upload = Upload(credentials, tar)
        self._files = Files()
        self._index = self._files.take()
        self._part: TarPart | None = None
        self._base = 0  # where the part begins in the tar
        self.kept = array("Q")

    @property
    def size(self) -> int:
        """Bytes, so far."""
        return self._base + (self._part.size if self._part else 0)

    @property
    def failure(self) -> S3Error | None:
        """Why it can no longer be completed."""
        return self._upload.failure

    @property
    def is_full(self) -> bool:
        """Whether S3 takes less than is downloaded."""
        return self._upload.pending_bytes >= _FULL_BYTES

    def keep(
        self, item: Item, parts: Sequence[bytes], download: Download = WHOLE
    ) -> str:
        """Write a member; `OSError` if that, or the upload, has failed."""
        self._check()
        size = sum(map(len, parts))
        member = member_of(item, size, download, by_row=self._by_row)
        self._open_part().append(member, parts, size)
        return self._count(item, member)

    def open(self, item: Item) -> SpooledBody:
        """Make room for a body that arrives in pieces."""
        self._check()
        return SpooledBody(self._files, partial(self.take, item), BLOCK)

    def take(self, item: Item, body: Part, download: Download) -> str:
        """Write a member whose body is in a file, behind a block that is left out."""
        self._check()
        member = member_of(item, body.size, download, by_row=self._by_row)
        if body.size < LEAST_PART:
            self._open_part().copy(member, body)
            body.release()
        else:
            part = TarPart.around(member, body)
            if part.size > MOST_PART:
                msg = f"the body has {body.size:,} bytes; a part takes {MOST_PART:,}"
                raise OSError(errno.EFBIG, msg)
            self._send(part)
        return self._count(item, member)

    def settle(self) -> dict[int, Download]:
        """Complete the tar; say what is not in it, or all if that fails."""
        if self._by_row and not self.kept:
            return {}
        try:
            if not self.kept:
                # An earlier execution, whose report was lost, may have kept some. GET
                # would wait 15 s for a permission where no bucket may be listed.
                self._connection.request("HEAD", self._tar, until=self._until)
                return self._of_another()
            last = self._open_part()
            last.end()
            self._note(last)
            self._part = None
            if self._upload.finish(last.sent(), self._until):
                self._put_index()
                return {}
            return self._of_another()
        except OSError as error:
            return dict.fromkeys(self.kept, lost(error, "tar"))

    def close(self) -> None:
        """Clear temporary storage, and abort a tar that is not complete."""
        if self._part:
            self._part.sent().release()
        self._files.give(self._index)
        self._upload.close()
        self._connection.close()
        self._files.close()

    def _check(self) -> None:
        if self._upload.failure:
            raise self._upload.failure.with_traceback(None)  # it would grow

    def _open_part(self) -> TarPart:
        if self._part is None:
            self._part = TarPart(self._files.take(), self._files)
        return self._part

    def _count(self, item: Item, member: Member) -> str:
        self.kept.append(item.number)
        if self._part and self._part.size >= PART_BYTES:
            with suppress(OSError):  # no room for the index: later there may be
                self._send(self._part)
                self._part = None
        return f"{self._path}/{member.name}" if self._by_row else self._path

    def _send(self, part: TarPart) -> None:
        self._note(part)
        self._upload.send(part.sent(), self._until)

    def _note(self, part: TarPart) -> None:
        """Add a part's bodies to the index, now that its offset in the tar is known."""
        index, size = self._index.fileno(), self._index.tell()
        try:
            write_all(index, [b"".join(row.line(self._base) for row in part.rows)])
        except OSError:
            self._index.seek(size)
            raise
        self._base += part.size

    def _put_index(self) -> None:
        index = Part(self._index, self._index.tell(), self._files)
        try:
            self._connection.request(
                "PUT", index_of(self._tar), body=index, until=self._until
            )
        except S3Error as error:
            # The tar is complete, and says itself where everything is.
            _log.warning("There is no index beside %s: %s", self._tar, error)

    def _of_another(self) -> dict[int, Download]:
        """Return what the tar that is there lacks of ours, and has beside ours."""
        foreign = Download(Outcome.UNSTARTED, detail=_FOREIGN)
        if self._by_row:
            return dict.fromkeys(self.kept, foreign)
        try:
            theirs = {
                int(row["key"].partition(".")[0]): row["size"]
                for row in rows_in(self._connection, self._tar, self._until)
            }
        except ValueError:  # it is not one of ours
            return dict.fromkeys(self.kept, foreign)
        lacking = Download(Outcome.UNSTARTED, detail=_OTHER)
        return dict.fromkeys(self.kept, lacking) | {
            number: Download(Outcome.OK, 200, size, path=self._path)
            for number, size in theirs.items()
        }
