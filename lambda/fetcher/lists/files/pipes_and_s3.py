"""Files that come as they are read, and only once: pipes, and objects in S3."""

from __future__ import annotations

import io
import os
import select
import stat
from typing import IO, TYPE_CHECKING

from fetcher.s3.urls import place_of

if TYPE_CHECKING:
    from collections.abc import Iterator

STDIN = "-"
_READ = 2**16  # bytes: as many as a pipe holds
_FIRST_PIECE, _PIECE = 2**18, 8 * 2**20  # bytes of an object in S3 brought at once
_FEWEST = 6  # bytes, by which packed files are recognised
_NO_END = float("inf")


class Stream(io.RawIOBase):
    """
    A file that can be read only once.

    Args:
        pieces: It, and how many bytes it has in all, 0 if nobody knows.

        pipe: What it is read from; -1: no pipe.

    Attributes:
        size: Bytes in all, or else how many have come.
    """

    def __init__(self, pieces: Iterator[tuple[bytes, int]], pipe: int = -1) -> None:
        super().__init__()
        self._pieces = pieces
        self._pipe = pipe
        self._piece = memoryview(b"")
        self._count = 0
        self._size = 0

    @property
    def size(self) -> int:  # noqa: D102
        return self._size or self._count

    def readable(self) -> bool:  # noqa: D102
        return True

    def tell(self) -> int:  # noqa: D102
        return self._count

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """Read what is there; wait if that is nothing."""
        if not self._piece:
            self._piece = memoryview(self._next())
        count = min(len(buffer), len(self._piece))
        buffer[:count] = self._piece[:count]
        self._piece = self._piece[count:]
        self._count += count
        return count

    def _next(self) -> bytes:
        data, self._size = next(self._pieces, (b"", self._size))
        while data and not self._count and len(data) < _FEWEST:
            more, _ = next(self._pieces, (b"", 0))
            if not more:
                break
            data += more
        return data

    def is_silent(self, seconds: float) -> bool:
        """Tell whether nothing comes through the pipe for so long, not even its end."""
        if self._pipe < 0 or self._piece:
            return False
        return not select.select([self._pipe], [], [], seconds)[0]


def is_pipe(name: str) -> bool:
    """Tell whether a list of this name comes from a program, at its pace."""
    try:
        told = os.fstat(0) if name == STDIN else os.stat(name)  # noqa: PTH116 - quick
    except OSError:
        return False
    return not stat.S_ISREG(told.st_mode)


def from_pipe(pipe: int) -> Stream:
    """Return what comes through a pipe."""
    return Stream(((data, 0) for data in iter(lambda: os.read(pipe, _READ), b"")), pipe)


def from_s3(url: str) -> Stream:
    """Return one version of an object in S3; as `bring`."""
    return Stream(_pieces(url, _NO_END))


def bring(url: str, file: IO[bytes], until: float) -> None:
    """
    Write one version of an object in S3 to a file, a piece at a time.

    It gives up at ``until``, on the monotonic clock.

    Raises:
        OSError: If it cannot be read, or the environment has no credentials.
    """
    for data, _ in _pieces(url, until):
        file.write(data)


def _pieces(url: str, until: float) -> Iterator[tuple[bytes, int]]:
    """Yield pieces of an object, each with the size of it all."""
    from fetcher.s3.connection import Connection  # noqa: PLC0415 - loads OpenSSL
    from fetcher.s3.credentials import S3Credentials  # noqa: PLC0415
    from fetcher.s3.errors import S3Error  # noqa: PLC0415

    place = place_of(url)
    connection = Connection(S3Credentials.from_environment())
    at, piece, size, headers = 0, _FIRST_PIECE, 1, {}
    try:
        while at < size:
            headers["range"] = f"bytes={at}-{at + piece - 1}"
            answer = connection.request("GET", place, headers=headers, until=until)
            size = int(answer.headers["content-range"].rpartition("/")[2])
            yield answer.body, size
            at += len(answer.body)
            piece = min(2 * piece, _PIECE)
            headers["if-match"] = answer.headers["etag"]
    except S3Error as error:
        if error.code != "InvalidRange":  # there is nothing in it
            raise
    finally:
        connection.close()
