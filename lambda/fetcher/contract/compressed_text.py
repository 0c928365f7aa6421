"""Data that travels in JSON, deflated."""

from __future__ import annotations

import base64
import zlib


def pack(data: bytes) -> str:
    """Return the data deflated, as text that JSON can carry."""
    return base64.b64encode(zlib.compress(data, level=1)).decode("ascii")


def unpack(text: str) -> bytes:
    """
    Undo `pack`.

    Raises:
        ValueError: If the text is not something `pack` returned.
    """
    try:
        return zlib.decompress(base64.b64decode(text, validate=True))
    except zlib.error as error:
        msg = f"The packed data does not inflate: {error}."
        raise ValueError(msg) from error
