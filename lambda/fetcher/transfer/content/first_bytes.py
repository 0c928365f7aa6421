"""What the first bytes of a body show: its type and, of a picture, width and height."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fetcher.transfer.content.file_types import SNIFFED_BYTES, type_of
from fetcher.transfer.content.picture_size import (
    AFTER_JPEG_MARK,
    JPEG,
    UNKNOWN,
    JpegSize,
    jpeg_size,
    size_of,
)

if TYPE_CHECKING:
    from collections.abc import Sequence


class FirstBytes:
    r"""
    Reader of a body's beginning, in whatever parts it comes.

    Args:
        tells_size: Whether the size is of any use: of a JPEG, it takes time to find.

    Attributes:
        found_type: Type that they show; empty: not known, or not yet.

        size: Width and height; zeros: not known, or not yet.

    >>> first = FirstBytes()
    >>> first.feed([b"GIF8"]), first.feed([b"9a\2\0\3\0"]), first.end()
    (None, None, b'GIF89a\x02\x00\x03\x00')
    >>> first.found_type, first.size
    ('image/gif', (2, 3))
    """

    __slots__ = ("_jpeg", "_start", "_tells_size", "found_type", "size")

    def __init__(self, *, tells_size: bool = True) -> None:
        self._tells_size = tells_size
        self._start: bytes | None = b""  # collected until they show the type
        self._jpeg: JpegSize | None = None  # whose size needs more bytes
        self.found_type = ""
        self.size = UNKNOWN

    def feed(self, parts: Sequence[bytes]) -> bytes | None:
        """Take in the next parts; return the first bytes once, as soon as they do."""
        before = start = self._start
        if start is None:
            if self._jpeg:
                self._feed(self._jpeg, parts)
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
        if not self._tells_size:
            return start
        if kind != JPEG:
            self.size = size_of(kind, start)
            return start
        self.size, end = jpeg_size(parts[0], AFTER_JPEG_MARK)  # nearly always there
        if end >= 0:
            self._feed(JpegSize(), parts)
        return start

    def _feed(self, jpeg: JpegSize, parts: Sequence[bytes]) -> None:
        jpeg.feed(parts)
        self._jpeg = None if jpeg.is_done else jpeg
        self.size = jpeg.size
