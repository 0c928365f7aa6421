"""The check that a program delivered every file, whole, and nothing else."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_COMPARED = 100  # files compared byte by byte; of the others only the size


def fault_in(folder: Path, files: int, picture: bytes) -> str:
    """
    Say what is wrong with a folder; empty: nothing.

    It must hold ``0.jpg``, ``1.jpg`` and so on, each with the picture's content.
    """
    with os.scandir(folder) as entries:
        sizes = {entry.name: entry.stat().st_size for entry in entries}
    expected = [f"{number}.jpg" for number in range(files)]
    for name in expected:
        if name not in sizes:
            arrived = len(sizes.keys() & set(expected))
            return f"{arrived:,} of {files:,} files arrived; {name} is missing"
        if sizes[name] != len(picture):
            return f"{name} has {sizes[name]:,} bytes, not {len(picture):,}"
    if len(sizes) > files:
        extra = min(sizes.keys() - set(expected))
        return f"{len(sizes) - files:,} unexpected files, such as {extra}"
    for name in expected[:: max(1, files // _COMPARED)]:
        if (folder / name).read_bytes() != picture:
            return f"{name} differs from the file that the origin serves"
    return ""
