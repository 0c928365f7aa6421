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

_ENTRY = struct.Struct("=QQ")  # where a block ends, how many rows there are up to there
_END = 2**64 - 1  # in place of the former: the latter is the length of the last words
_LOOK_EVERY_S = 0.02


class Spool:
    """
    Blocks of rows: one process appends them, it and its children read them.

    Attributes:
        count: How many rows this process knows of.

        close: Removes the files; so does the end of their last use.

        words: What was said at the end; None: it has not come.
    """

    def __init__(self) -> None:
        self._file, self._index = _nameless(), _nameless()
        self.close = weakref.finalize(self, _close, self._file, self._index)
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
        self._write(self._file, data)
        self._ends.append(self._ends[-1] + len(data))
        self._counts.append(block.first + len(block.urls))
        self._write(self._index, _ENTRY.pack(self._ends[-1], self._counts[-1]))

    def end(self, words: dict[str, Any]) -> None:
        """Say that there are no more rows, and what else there is to say."""
        data = json.dumps(words).encode()
        self._write(self._file, data)
        self._write(self._index, _ENTRY.pack(_END, len(data)))
        self.words = words

    def _write(self, file: int, data: bytes) -> None:
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(file, rest) :]

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
        at = (len(self._ends) - 1) * _ENTRY.size
        size = os.fstat(self._index).st_size // _ENTRY.size * _ENTRY.size
        entries = os.pread(self._index, max(0, size - at), at)
        for end, count in _ENTRY.iter_unpack(entries):
            if end == _END:
                self.words = json.loads(self._read(self._ends[-1], count))
                return
            self._ends.append(end)
            self._counts.append(count)

    def block_with(self, number: int) -> RowBlock:
        """Return the block with a row, which must be there."""
        index = bisect_right(self._counts, number)
        first, start = self._counts[index - 1], self._ends[index - 1]
        data = self._read(start, self._ends[index] - start)
        urls, *optional = data.decode().split("\t")
        columns = (one.split("\n") if one else () for one in optional)
        return RowBlock(first, urls.split("\n"), *columns)

    def _read(self, start: int, size: int) -> bytes:
        return os.pread(self._file, size, start)


def _nameless() -> int:
    """Return the descriptor of a file that is gone when it is closed."""
    with TemporaryFile(prefix="fetcher-list-") as file:
        return os.dup(file.fileno())


def _close(*descriptors: int) -> None:
    for one in descriptors:
        os.close(one)
