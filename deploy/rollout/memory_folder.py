"""Folders in RAM, so that no disk sets the pace of what is measured."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from origin.temporary_folders import owned_folder

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

RAM = Path("/dev/shm")  # noqa: S108 - the folder made in it is ours alone


def memory_folder(prefix: str, room_bytes: int) -> AbstractContextManager[Path]:
    """
    Make a folder, and remove it with all it holds at the end.

    It is in RAM if there is room for it, and else where temporary files go.

    Args:
        prefix: What its name starts with.

        room_bytes: How much it is going to hold.
    """
    parent = RAM if _has_room(room_bytes) else Path(tempfile.gettempdir())
    return owned_folder(f"million-downloads-{prefix}", parent)


def _has_room(room_bytes: int) -> bool:
    return os.access(RAM, os.W_OK) and shutil.disk_usage(RAM).free >= room_bytes
