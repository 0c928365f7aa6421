"""Small pictures of exact sizes, each different from every other."""

from __future__ import annotations

import io
import zlib
from functools import cache
from random import Random

from PIL import Image

LEAST_BYTES = 5_000
KINDS = {"jpeg": "image/jpeg", "png": "image/png", "webp": "image/webp"}

_SIDE = 24  # pixels
_NOISE_BYTES = 1 << 20
_STEP = 7_919  # a prime, so that neighbours begin at places far apart
_COMMENT_MOST = 65_533
_OVERHEAD = {"jpeg": 4, "png": 12, "webp": 8}  # bytes, of a comment or chunk


def picture(kind: str, size_bytes: int, number: int) -> bytes:
    """
    Return a picture of exactly this many bytes that no other number has.

    It decodes to 24 x 24 pixels of noise; comments or private chunks, with the number
    and more noise, fill the rest. The size is at least 5,000; of WebP, even.

    >>> len(picture("png", 60_001, 7))
    60001
    """
    whole = _drawn(kind)
    room = size_bytes - len(whole)
    match kind:
        case "jpeg":
            header = 4 + int.from_bytes(whole[4:6], "big")  # JFIF wants to stay first
            return b"".join((whole[:header], *_comments(room, number), whole[header:]))
        case "png":
            body = b"noIs" + _filling(room - _OVERHEAD[kind], number)
            chunk = _u32(len(body) - 4) + body + _u32(zlib.crc32(body))
            end = len(whole) - 12  # of the chunk IEND
            return whole[:end] + chunk + whole[end:]
        case _:
            filling = _filling(room - _OVERHEAD[kind], number)
            length = len(filling).to_bytes(4, "little")
            riff = (size_bytes - 8).to_bytes(4, "little")
            return b"".join((whole[:4], riff, whole[8:], b"NOIS", length, filling))


@cache
def _drawn(kind: str) -> bytes:
    pixels = Random(kind).randbytes(_SIDE * _SIDE * 3)  # noqa: S311 noise, no secret
    file = io.BytesIO()
    image = Image.frombytes("RGB", (_SIDE, _SIDE), pixels)
    image.save(file, kind.upper(), lossless=True)
    return file.getvalue()


@cache
def _noise() -> bytes:
    return Random(0).randbytes(_NOISE_BYTES)  # noqa: S311 noise, no secret


def _filling(length: int, number: int) -> bytes:
    """Return this many bytes, which begin with the number."""
    start = number * _STEP % (_NOISE_BYTES // 2)
    filling = b"%012d" % number + _noise()[start : start + length - 12]
    return filling.ljust(length)


def _comments(room: int, number: int) -> list[bytes]:
    """Return JPEG comments that fill this many bytes, all about as long."""
    count = -(-room // (_COMMENT_MOST + _OVERHEAD["jpeg"] - 2))
    size, longer = divmod(room, count)
    sizes = [size + 1] * longer + [size] * (count - longer)
    return [
        b"\xff\xfe" + (size - 2).to_bytes(2, "big") + _filling(size - 4, number + place)
        for place, size in enumerate(sizes)
    ]


def _u32(value: int) -> bytes:
    return value.to_bytes(4, "big")
