"""Folders in RAM, so that no disk sets the pace of what is measured."""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

RAM = Path("/dev/shm")  # noqa: S108 - the folder made in it is ours alone


@contextmanager
def memory_folder(prefix: str, room_bytes: int) -> Iterator[Path]:
    """
    Make a folder, and remove it with all it holds at the end.

    It is in RAM if there is room for it, and else where temporary files go.

    Args:
        prefix: What its name starts with.

        room_bytes: How much it is going to hold.
    """
    where = RAM if _has_room(room_bytes) else None
    with TemporaryDirectory(prefix=prefix, dir=where) as folder:
        yield Path(folder)


def _has_room(room_bytes: int) -> bool:
    return os.access(RAM, os.W_OK) and shutil.disk_usage(RAM).free >= room_bytes
