"""
Width and height of a picture, in pixels as stored, from the beginning of its file.

Where they stand: PNG's IHDR, https://www.w3.org/TR/png-3/#11IHDR; GIF's screen
descriptor, https://www.w3.org/Graphics/GIF/spec-gif89a.txt; a BMP's header,
https://learn.microsoft.com/windows/win32/gdi/bitmap-storage; WebP's first chunk,
https://developers.google.com/speed/webp/docs/riff_container; JPEG's frame header, ITU-T
T.81, section B.2.2. A library would decode more than these few bytes, or want a file.
"""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

Size = tuple[int, int]  # width and height

UNKNOWN: Size = (0, 0)
_JPEG = "image/jpeg"

_OLD_BITMAP = 12  # bytes of a header whose sizes are of two bytes
_LOSSLESS = 0x2F  # WebP's mark
_LOSSY = b"\x9d\x01\x2a"

_FILL = 0xFFFF  # what fills the room before a marker may itself be one's first byte
_FRAMES = frozenset(range(0xFFC0, 0xFFD0)) - {0xFFC4, 0xFFC8, 0xFFCC}
_ALONE = frozenset({0xFF01, *range(0xFFD0, 0xFFD9)})  # markers without a length
_ENDS = {0xFFD9, 0xFFDA}  # the picture, or its header
_SEGMENTS = frozenset(range(0xFF00, 0xFFFF)) - _FRAMES - _ALONE - _ENDS
_LONGEST = 9  # bytes, of a frame header up to the width
_segment = Struct(">HH").unpack_from  # a marker and its length; also height and width


def size_of(kind: str, start: bytes) -> Size:
    r"""
    Return width and height; zeros if the first bytes do not tell, as with JPEG.

    Args:
        kind: What `fetcher.transfer.content.file_types.type_of` returned.

        start: The first 30 bytes, or more.

    >>> size_of("image/gif", b"GIF89a\x02\x00\x03\x00")
    (2, 3)
    """
    read = _READERS.get(kind)
    return read(start) if read else UNKNOWN


class PictureSize:
    r"""
    Reader of a picture's size, which in a JPEG may stand behind much else.

    Args:
        kind: What `fetcher.transfer.content.file_types.type_of` returned.

        start: The first 30 bytes, or more.

    Attributes:
        size: Width and height; zeros: not known, or not yet.

    >>> picture = PictureSize("image/jpeg", b"\xff\xd8\xff\xe0\0\4ab\xff")
    >>> picture.feed([b"\xc0\0\x11\x08\0\2\0\3"])
    >>> picture.size
    (3, 2)
    """

    __slots__ = ("_held", "_is_done", "_skip", "size")

    def __init__(self, kind: str, start: bytes) -> None:
        self._is_done = kind != _JPEG
        self.size = size_of(kind, start) if self._is_done else UNKNOWN
        self._held = b""
        self._skip = 0
        self.feed((start,))

    def feed(self, parts: Iterable[bytes]) -> None:
        """Take in the next parts of the file."""
        for part in parts:
            if self._is_done:
                return
            if self._skip >= len(part):
                self._skip -= len(part)
                continue
            data = self._held + part[self._skip :]
            self.size, end = _jpeg_size(data)
            self._is_done = end < 0
            self._held = data[end:]
            self._skip = max(0, end - len(data))


def _jpeg_size(data: bytes) -> tuple[Size, int]:
    """
    Return width and height, and where to go on; -1: there is no need to.

    Args:
        data: A part of a JPEG that begins with one of its markers.
    """
    at, last = 0, len(data) - _LONGEST
    while at <= last:
        marker, length = _segment(data, at)
        if marker in _SEGMENTS:
            at += 2 + length
        elif marker in _FRAMES:
            height, width = _segment(data, at + 5)
            return (width, height), -1
        elif marker in _ALONE:
            at += 2
        elif marker == _FILL:
            at += 1
        else:
            return UNKNOWN, -1
    return UNKNOWN, at


def _png(start: bytes) -> Size:
    if start[12:16] != b"IHDR":
        return UNKNOWN
    return int.from_bytes(start[16:20]), int.from_bytes(start[20:24])


def _gif(start: bytes) -> Size:
    return _little(start, 6, 2), _little(start, 8, 2)


def _bmp(start: bytes) -> Size:
    if _little(start, 14, 4) == _OLD_BITMAP:
        return _little(start, 18, 2), _little(start, 20, 2)
    height = int.from_bytes(start[22:26], "little", signed=True)
    return _little(start, 18, 4), abs(height)  # negative: the first row is the top one


def _webp(start: bytes) -> Size:
    chunk = start[12:16]
    if chunk == b"VP8X":
        return _little(start, 24, 3) + 1, _little(start, 27, 3) + 1
    if chunk == b"VP8L" and start[20:21] == bytes([_LOSSLESS]):
        bits = _little(start, 21, 4)
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if chunk == b"VP8 " and start[23:26] == _LOSSY:
        return _little(start, 26, 2) & 0x3FFF, _little(start, 28, 2) & 0x3FFF
    return UNKNOWN


def _little(data: bytes, at: int, size: int) -> int:
    return int.from_bytes(data[at : at + size], "little")


_READERS: dict[str, Callable[[bytes], Size]] = {
    "image/png": _png,
    "image/gif": _gif,
    "image/bmp": _bmp,
    "image/webp": _webp,
}
