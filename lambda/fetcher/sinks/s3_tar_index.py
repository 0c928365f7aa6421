"""
Contents of a tar in S3, read from its index or, failing that, from its headers.

The index has a line of JSON for each file: its name, where its bytes are, and the
fields of the JSON beside it. It is written right after the tar; a worker that is killed
in between leaves a tar without one.
"""

from __future__ import annotations

import json
import tarfile
from io import BufferedReader, RawIOBase
from typing import TYPE_CHECKING, Any

from fetcher.s3.errors import S3Error

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fetcher.s3.connection import Connection
    from fetcher.s3.urls import Place

TAR, INDEX = ".tar", ".jsonl"

_READ_BYTES = 4_194_304  # at once: many small files, or a little more than a header
_ABSENT = frozenset({403, 404})  # who may not list a bucket is told 403


def index_of(tar: Place) -> Place:
    """Return the index of a tar."""
    return tar._replace(key=tar.key.removesuffix(TAR) + INDEX)


def number_of(row: dict[str, Any]) -> int:
    """
    Return the number of the URL in a row of an index.

    >>> number_of({"key": "000000007.body.json"})
    7
    """
    return int(row["key"].partition(".")[0])


def rows_in(
    connection: Connection, tar: Place, until: float
) -> Iterator[dict[str, Any]]:
    """
    Yield the rows of a tar's index.

    Raises:
        S3Error: If there is no such tar, or it cannot be read.
    """
    try:
        answer = connection.request("GET", index_of(tar), until=until)
    except S3Error as error:
        if error.status not in _ABSENT:
            raise
        yield from _rows_of_headers(_Object(connection, tar, until))
    else:
        for line in answer.body.splitlines():
            yield json.loads(line)


def _rows_of_headers(stored: _Object) -> Iterator[dict[str, Any]]:
    with tarfile.open(fileobj=BufferedReader(stored, _READ_BYTES), mode="r:") as tar:
        body: tarfile.TarInfo | None = None
        for member in tar:
            if body is None:
                body = member
                continue
            beside = tar.extractfile(member)
            if beside is None:
                msg = "it is not one of these tars, which hold files only"
                raise ValueError(msg)
            where = {"key": body.name, "offset": body.offset_data, "size": body.size}
            yield where | json.load(beside)
            body = None


class _Object(RawIOBase):
    """An object of S3 as a file that can be read."""

    def __init__(self, connection: Connection, place: Place, until: float) -> None:
        self._connection = connection
        self._place = place
        self._until = until
        answer = connection.request("HEAD", place, until=until)
        self._size = int(answer.headers["content-length"])
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = 0) -> int:
        self._at = offset + (0, self._at, self._size)[whence]
        return self._at

    def readinto(self, buffer: Any) -> int:  # noqa: ANN401 - any buffer at all
        count = min(len(buffer), self._size - self._at)
        if count <= 0:
            return 0
        headers = {"range": f"bytes={self._at}-{self._at + count - 1}"}
        answer = self._connection.request(
            "GET", self._place, headers=headers, until=self._until
        )
        buffer[:count] = answer.body
        self._at += count
        return count
