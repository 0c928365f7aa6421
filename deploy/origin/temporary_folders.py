"""
Temporary folders, in RAM if there is room; the next one removes those of killed owners.

`local_aws` has a copy of `owned_folder`: neither package imports the other.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

_LOCK = "lock"


@contextmanager
def owned_folder(prefix: str, parent: Path) -> Iterator[Path]:
    """
    Make a folder that is removed at the end, with all it holds.

    It is locked while its owner lives, so the next owner can tell which folders are
    stale, and removes them.
    """
    _remove_stale(prefix, parent)
    folder = Path(tempfile.mkdtemp(prefix=prefix, dir=parent))
    lock = os.open(folder / "new-lock", os.O_CREAT | os.O_RDWR, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        # Under its final name the lock is held from the start: nobody takes a folder
        # that is just being made for a stale one.
        (folder / "new-lock").rename(folder / _LOCK)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


def _remove_stale(prefix: str, parent: Path) -> None:
    for folder in parent.glob(f"{prefix}*"):
        try:
            lock = os.open(folder / _LOCK, os.O_RDWR | os.O_NOFOLLOW)
        except OSError:
            continue  # another user's, or just being made
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)
        except BlockingIOError:
            continue
        finally:
            os.close(lock)


RAM = Path("/dev/shm")  # noqa: S108 - the folder made in it is ours alone


def memory_folder(prefix: str, room_bytes: int) -> AbstractContextManager[Path]:
    """Make a folder that is removed at the end, in RAM if there is room."""
    parent = RAM if _has_room(room_bytes) else Path(tempfile.gettempdir())
    return owned_folder(f"million-downloads-{prefix}", parent)


def _has_room(room_bytes: int) -> bool:
    return os.access(RAM, os.W_OK) and shutil.disk_usage(RAM).free >= room_bytes
