"""
Contents of a tar in S3, read from its index or, failing that, from the tar itself.

The index has a line of JSON for each file: its name, where its bytes are, and the
fields of the JSON beside it. It is written right after the tar; a worker that is killed
in between leaves a tar without one.
"""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING, Any

from fetcher.s3.errors import S3Error
from fetcher.sinks.tars.member import END
from fetcher.sinks.tars.tar_reading import members_read

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fetcher.s3.connection import Connection
    from fetcher.s3.urls import Place

TAR, INDEX = ".tar", ".jsonl"

_PIECE_BYTES = 4_194_304  # at once: many small files, or a little more than a header
_ABSENT = frozenset({403, 404})  # who may not list a bucket is told 403


def index_of(tar: Place) -> Place:
    """Return the index of a tar."""
    return tar._replace(key=tar.key.removesuffix(TAR) + INDEX)


def rows_in(
    connection: Connection, tar: Place, until: float
) -> Iterator[dict[str, Any]]:
    """
    Yield the rows of a tar's index.

    Raises:
        S3Error: If there is no such tar, or it cannot be read.

        ValueError: If it is not one of these tars.
    """
    try:
        answer = connection.request("GET", index_of(tar), until=until)
    except S3Error as error:
        if error.status not in _ABSENT:
            raise
        yield from _rows_of_members(_StoredTar(connection, tar, until))
    else:
        for line in answer.body.splitlines():
            yield json.loads(line)


def _rows_of_members(tar: _StoredTar) -> Iterator[dict[str, Any]]:
    end = 0
    for member in members_read(tar.read, tar.size):
        end = member.end
        yield member.row
    if tar.read(len(END), end) != END:
        msg = "it is not one of these tars"
        raise ValueError(msg)


class _StoredTar:
    """A tar in S3, fetched piece by piece as it is read."""

    def __init__(self, connection: Connection, place: Place, until: float) -> None:
        self._get = partial(connection.request, "GET", place, until=until)
        head = connection.request("HEAD", place, until=until)
        self.size = int(head.headers["content-length"])
        self._piece, self._begin = b"", 0

    def read(self, count: int, at: int) -> bytes:
        """Return so many bytes from an offset on; fewer: the tar ends."""
        end = min(at + count, self.size)
        if at >= end:
            return b""
        if not self._begin <= at <= end <= self._begin + len(self._piece):
            last = min(at + max(count, _PIECE_BYTES), self.size) - 1
            self._piece = self._get(headers={"range": f"bytes={at}-{last}"}).body
            self._begin = at
        return self._piece[at - self._begin : end - self._begin]
