"""Rows kept in a file without a name, so that they can be read anywhere and again."""

from __future__ import annotations

import json
import os
import select
import struct
import weakref
from array import array
from bisect import bisect_right
from tempfile import TemporaryFile
from typing import Any

from fetcher.lists.judge import RowBlock

_HEADER = struct.Struct("=QQ")  # of a block: its bytes, and how many rows that makes
_END = 2**64 - 1  # in place of the latter: the bytes are the last words
_LOOK_EVERY_S = 0.02


class Spool:
    """
    Blocks of rows: one process appends them, it and its children read them.

    Attributes:
        count: How many rows this process knows of.

        close: Removes the file; so does the end of its last use.

        words: What was said at the end; None: it has not come.
    """

    def __init__(self) -> None:
        with TemporaryFile(prefix="fetcher-list-") as file:
            self._file = os.dup(file.fileno())
        self.close = weakref.finalize(self, os.close, self._file)
        self._ends = array("Q", [0])  # of blocks: where they end in the file
        self._counts = array("Q", [0])  # and how many rows there are up to there
        self._writer: int | None = None
        self.words: dict[str, Any] | None = None

    @property
    def count(self) -> int:  # noqa: D102
        return self._counts[-1]

    def append(self, block: RowBlock) -> None:
        """Add rows, which follow those before."""
        columns = map("\n".join, block[1:])
        data = "\t".join(columns).encode(errors="backslashreplace")
        self._write(data, block.first + len(block.urls))

    def end(self, words: dict[str, Any]) -> None:
        """Say that there are no more rows, and what else there is to say."""
        self._write(json.dumps(words).encode(), _END)

    def _write(self, data: bytes, count: int) -> None:
        rest, at = memoryview(_HEADER.pack(len(data), count) + data), self._ends[-1]
        while rest:
            written = os.pwrite(self._file, rest, at)
            rest, at = rest[written:], at + written
        self.look()

    def follow(self, writer: int) -> None:
        """
        Read what another process appends from now on.

        Args:
            writer: A pipe whose other end only that process holds.
        """
        self._writer = writer

    def wait(self) -> bool:
        """Wait for more rows; False: there are none, or whoever appends them died."""
        assert self._writer is not None, "somebody appends them"
        known = self.count
        self.look()
        while self.words is None and self.count == known:
            hung_up = select.select([self._writer], [], [], _LOOK_EVERY_S)[0]
            self.look()
            if hung_up and self.words is None and self.count == known:
                self.words = {"failure": "The process that read the list died."}
        return self.count > known

    def look(self) -> None:
        """Learn of what was appended."""
        size = os.fstat(self._file).st_size
        while (start := self._ends[-1] + _HEADER.size) <= size and self.words is None:
            header = self._read(self._ends[-1], _HEADER.size)
            length, count = _HEADER.unpack(header)
            if start + length > size:
                return
            if count == _END:
                self.words = json.loads(self._read(start, length))
            else:
                self._ends.append(start + length)
                self._counts.append(count)

    def block_with(self, number: int) -> RowBlock:
        """Return the block with a row, which must be there."""
        index = bisect_right(self._counts, number)
        first, start = self._counts[index - 1], self._ends[index - 1] + _HEADER.size
        data = self._read(start, self._ends[index] - start)
        urls, *optional = data.decode().split("\t")
        columns = (one.split("\n") if one else () for one in optional)
        return RowBlock(first, urls.split("\n"), *columns)

    def _read(self, start: int, size: int) -> bytes:
        return os.pread(self._file, size, start)
