"""JPEGs of exact sizes."""

from __future__ import annotations

import io
import math
from random import Random

from PIL import Image

LEAST_BYTES = 1_000
MOST_BYTES = 50_000_000

# Pillow's output for noise at its default quality: tables, then bytes a pixel. Both are
# rounded up, so that the picture fits and padding fills the rest.
_TABLES_BYTES = 700
_BYTES_PER_PIXEL = 2 / 3
_BLOCK = 16  # pixels, the square a JPEG with subsampled colour is made of
_MOST_SIDE = 2_048  # pixels: noise as wide as this takes 0.1 s to make

_COMMENT = b"\xff\xfe"
_COMMENT_OVERHEAD = 4  # the marker and the length
_COMMENT_MOST = 65_533 + _COMMENT_OVERHEAD


def jpeg(size_bytes: int) -> bytes:
    """
    Return a JPEG of exactly this many bytes, the same one each time.

    It shows noise, in a square that grows with the size up to 2,048 pixels; comments,
    which decoders skip, fill the rest. The largest take about 0.2 s to make.

    Raises:
        ValueError: If the size is outside 1,000 to 50,000,000.

    >>> len(jpeg(10_000))
    10000
    """
    check_size(size_bytes)
    return padded(_noise(_side(size_bytes)), size_bytes, b" " * size_bytes)


def padded(picture: bytes, size_bytes: int, filling: bytes) -> bytes:
    """Pad a JPEG to this many bytes with comments, which hold the filling."""
    total = size_bytes - len(picture)
    count = math.ceil(total / _COMMENT_MOST)
    size, longer = divmod(total, count)
    rest, comments = io.BytesIO(filling), []
    for number in range(count):
        length = size + (number < longer) - _COMMENT_OVERHEAD
        head = _COMMENT + (length + 2).to_bytes(2, "big")
        comments.append(head + rest.read(length))
    header = 4 + int.from_bytes(picture[4:6], "big")  # JFIF wants to stay in front
    return b"".join((picture[:header], *comments, picture[header:]))


def check_size(size_bytes: int) -> None:
    """
    Refuse a size that no picture can have.

    Raises:
        ValueError: If it is outside 1,000 to 50,000,000.
    """
    if not LEAST_BYTES <= size_bytes <= MOST_BYTES:
        msg = (
            f"The picture's size is {size_bytes:,} bytes; it must be from "
            f"{LEAST_BYTES:,} to {MOST_BYTES:,}."
        )
        raise ValueError(msg)


def _side(size_bytes: int) -> int:
    side = math.isqrt(int((size_bytes - _TABLES_BYTES) / _BYTES_PER_PIXEL))
    return min(side // _BLOCK * _BLOCK, _MOST_SIDE)


def _noise(side: int) -> bytes:
    pixels = Random(side).randbytes(side * side * 3)  # noqa: S311 noise, no secret
    file = io.BytesIO()
    Image.frombytes("RGB", (side, side), pixels).save(file, "JPEG")
    return file.getvalue()
