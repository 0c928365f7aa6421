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
from threading import RLock
from typing import TYPE_CHECKING, Any

from fetcher.lists.row_validation import RowBlock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

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
        # How many rows up to a block's end, and where that is; a block may be one row.
        self._counts, self._ends = array("Q", [0]), array("Q", [0])
        self._looking = RLock()  # for the handler of a signal looks, too
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
        self.look()  # a signal may have come between a block and its count
        if self.words is None:
            self._write(json.dumps(words).encode(), _END)

    def _write(self, data: bytes, count: int) -> None:
        rest = memoryview(_HEADER.pack(len(data), count) + data)
        at = self._ends[-1]
        while rest:
            written = os.pwrite(self._file, rest, at)
            rest, at = rest[written:], at + written
        self.look()

    def follow(self, writer: int) -> None:
        """Read what another process appends, which alone can write to this pipe."""
        self._writer = writer

    def wait(self) -> bool:
        """Wait for more rows; False: there are none, or whoever appends them died."""
        while (more := self.more(_LOOK_EVERY_S)) is None:
            pass
        return more

    def more(self, wait_s: float = 0.0) -> bool | None:
        """Tell whether more rows are there, within so long; None: not yet."""
        assert self._writer is not None, "somebody appends them"
        known = self.count
        self.look()
        if self.words is None and self.count == known:
            hung_up = select.select([self._writer], [], [], wait_s)[0]
            self.look()
            if hung_up and self.words is None and self.count == known:
                self.words = {"failure": "The process that read the list died."}
        if self.count > known:
            return True
        return None if self.words is None else False

    def look(self) -> None:
        """Learn of what was appended."""
        with self._looking:
            size = os.fstat(self._file).st_size
            while self.words is None:
                end = self._ends[-1]
                start = end + _HEADER.size
                if start > size:
                    return
                length, count = _HEADER.unpack(self._read(end, _HEADER.size))
                if start + length > size:
                    return
                if count == _END:
                    self.words = json.loads(self._read(start, length))
                else:
                    self._ends.append(start + length)
                    self._counts.append(count)

    def blocks(
        self, spans: Iterable[tuple[int, int]], more: Callable[[], bool | None]
    ) -> Iterator[RowBlock | None]:
        """
        Yield the rows of some spans, in columns, as far as there are any.

        A span is the number of its first row, and how many. At the end of what is there
        `more` is asked whether there is more now. If it returns None, there may be
        later, and None is yielded.
        """
        held = RowBlock(0, ())
        for start, count in spans:
            at, end = start, start + count
            while at < end:
                if at >= self.count:
                    is_more = more()
                    if is_more is None:
                        yield None
                    elif not is_more and at >= self.count:  # no other thread looked
                        break
                    continue
                if not held.first <= at < held.first + len(held.urls):
                    held = self._block_with(at)
                piece = held.cut(at - held.first, end - held.first)
                yield piece
                at += len(piece.urls)

    def _block_with(self, number: int) -> RowBlock:
        index = bisect_right(self._counts, number)
        first, end = self._counts[index - 1], self._ends[index]
        start = self._ends[index - 1] + _HEADER.size
        data = self._read(start, end - start)
        urls, *optional = data.decode().split("\t")
        columns = (one.split("\n") if one else () for one in optional)
        return RowBlock(first, urls.split("\n"), *columns)

    def _read(self, start: int, size: int) -> bytes:
        return os.pread(self._file, size, start)
