"""What tells one list of URLs from another."""

from __future__ import annotations

import os
import zlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_WHOLE_BYTES = 512 * 2**20  # the most that is read to tell a list from others
_AT_ONCE = 2**20
_END_BYTES = 65_536


def fingerprint(path: Path) -> dict[str, int]:
    """
    Return what tells a file from one with other URLs, or with the same elsewhere.

    Of a file that takes too long to read, that is both ends and when it was written.
    """
    status = path.stat()
    told = {"bytes": status.st_size}
    with path.open("rb") as file:
        if status.st_size <= _WHOLE_BYTES:
            crc = 0
            while piece := file.read(_AT_ONCE):
                crc = zlib.crc32(piece, crc)
            return told | {"crc32": crc}
        ends = file.read(_END_BYTES)
        file.seek(-_END_BYTES, os.SEEK_END)
        ends += file.read()
    return told | {"crc32_of_ends": zlib.crc32(ends), "mtime_ns": status.st_mtime_ns}
