"""Whether a program delivered: every file, whole, and nothing else."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_COMPARED = 100  # files, byte by byte; of the others the size has to do


def fault_in(folder: Path, files: int, picture: bytes) -> str:
    """
    Say what is wrong with the files in a folder; nothing if all is right.

    Args:
        folder: Should hold ``0.jpg``, ``1.jpg`` and so on.

        files: How many.

        picture: What each should hold.
    """
    with os.scandir(folder) as entries:
        sizes = {entry.name: entry.stat().st_size for entry in entries}
    wanted = [f"{number}.jpg" for number in range(files)]
    for name in wanted:
        if name not in sizes:
            came = len(sizes.keys() & set(wanted))
            return f"{came:,} of {files:,} files came; {name} is missing"
        if sizes[name] != len(picture):
            return f"{name} has {sizes[name]:,} bytes, not {len(picture):,}"
    if len(sizes) > files:
        extra = min(sizes.keys() - set(wanted))
        return f"{len(sizes) - files:,} files too many, {extra} among them"
    for name in wanted[:: max(1, files // _COMPARED)]:
        if (folder / name).read_bytes() != picture:
            return f"{name} is not what the origin serves"
    return ""
