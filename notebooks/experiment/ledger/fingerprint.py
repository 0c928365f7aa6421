"""The fingerprint of a list of URLs, to recognise it when a run is resumed."""

from __future__ import annotations

import os
import zlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_WHOLE_BYTES = 512 * 2**20  # of a larger file only both ends are read
_AT_ONCE = 2**20
_END_BYTES = 65_536


def fingerprint(path: Path) -> dict[str, int]:
    """
    Return what identifies a file: its size and checksum.

    Of a file too long to read, the checksum is of both ends, and the time of its last
    change is added.
    """
    status = path.stat()
    found = {"bytes": status.st_size}
    with path.open("rb") as file:
        if status.st_size <= _WHOLE_BYTES:
            crc = 0
            while block := file.read(_AT_ONCE):
                crc = zlib.crc32(block, crc)
            return found | {"crc32": crc}
        ends = file.read(_END_BYTES)
        file.seek(-_END_BYTES, os.SEEK_END)
        ends += file.read()
    return found | {"crc32_of_ends": zlib.crc32(ends), "mtime_ns": status.st_mtime_ns}
