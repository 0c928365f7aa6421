"""What the first bytes of a body show: its type and, of a picture, width and height."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fetcher.transfer.content.file_types import SNIFFED_BYTES, type_of
from fetcher.transfer.content.picture_size import JPEG, UNKNOWN, JpegSize, size_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fetcher.transfer.content.picture_size import Size


class FirstBytes:
    r"""
    Reader of a body's beginning, in whatever parts it comes.

    Attributes:
        found_type: Type that they show; empty: not known, or not yet.

    >>> first = FirstBytes()
    >>> first.feed([b"GIF8"]), first.feed([b"9a\2\0\3\0"]), first.end()
    (None, None, b'GIF89a\x02\x00\x03\x00')
    >>> first.found_type, first.size
    ('image/gif', (2, 3))
    """

    __slots__ = ("_jpeg", "_size", "_start", "found_type")

    def __init__(self) -> None:
        self._start: bytes | None = b""  # collected until they show the type
        self._jpeg: JpegSize | None = None
        self._size = UNKNOWN  # of any other picture
        self.found_type = ""

    @property
    def size(self) -> Size:
        """Width and height; zeros: not known, or not yet."""
        return self._jpeg.size if self._jpeg else self._size

    def feed(self, parts: Sequence[bytes]) -> bytes | None:
        """Take in the next parts; return the first bytes once, as soon as they do."""
        before = start = self._start
        if start is None:
            if self._jpeg and not self._jpeg.is_done:
                self._jpeg.feed(parts)
            return None
        for chunk in parts:
            start += chunk[:SNIFFED_BYTES]
            if len(start) >= SNIFFED_BYTES:
                all_ = (before, *parts) if before else parts
                return self._judge(start[:SNIFFED_BYTES], all_)
        self._start = start
        return None

    def end(self) -> bytes | None:
        """Return the first bytes of a body that has ended, unless `feed` has."""
        start = self._start
        return None if start is None else self._judge(start, (start,))

    def _judge(self, start: bytes, parts: Sequence[bytes]) -> bytes:
        self._start = None
        self.found_type = kind = type_of(start)
        if kind == JPEG:
            self._jpeg = JpegSize()
            self._jpeg.feed(parts)
        else:
            self._size = size_of(kind, start)
        return start
