"""Small pictures of exact sizes, each different from every other."""

from __future__ import annotations

import io
import zlib
from functools import cache
from random import Random

from PIL import Image

from origin.picture import padded

LEAST_BYTES = 5_000
KINDS = {"jpeg": "image/jpeg", "png": "image/png", "webp": "image/webp"}

_SIDE = 24  # pixels
_NOISE_BYTES = 1 << 22  # twice the largest picture
_STEP = 7_919  # a prime, so that neighbours begin at places far apart
_OVERHEAD = {"jpeg": 0, "png": 12, "webp": 8}  # bytes, of a chunk


def picture(kind: str, size_bytes: int, number: int) -> bytes:
    """
    Return a picture of exactly this many bytes that no other number has.

    It decodes to 24 x 24 pixels of noise; comments or private chunks, with the number
    and more noise, fill the rest. The size is at least 5,000; of WebP, even.

    >>> len(picture("png", 60_001, 7))
    60001
    """
    whole = _drawn(kind)
    room = size_bytes - len(whole) - _OVERHEAD[kind]
    filling = _filling(room, number)
    match kind:
        case "jpeg":
            return padded(whole, size_bytes, filling)
        case "png":
            body = b"noIs" + filling
            chunk = _u32(len(body) - 4) + body + _u32(zlib.crc32(body))
            end = len(whole) - 12  # of the chunk IEND
            return whole[:end] + chunk + whole[end:]
        case _:
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


def _u32(value: int) -> bytes:
    return value.to_bytes(4, "big")
