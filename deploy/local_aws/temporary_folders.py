"""
Temporary folders of an endpoint; those of a killed one are removed by the next.

`origin` has a copy of `owned_folder`: neither package imports the other.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

PREFIX = "local-lambda-"
_LOCK = "lock"

# Functions have a /tmp of their own mounted over it, so none of our files may be there.
_SHARED = Path("/tmp")  # noqa: S108 - the folder made in it is ours alone
_ASIDE = Path("/var/tmp")  # noqa: S108


def temporary() -> AbstractContextManager[Path]:
    """Make a folder that is removed at the end, or else by the next endpoint."""
    parent = Path(tempfile.gettempdir())
    if parent == _SHARED and os.access(_ASIDE, os.W_OK | os.X_OK):
        parent = _ASIDE
    return owned_folder(PREFIX, parent)


@contextmanager
def owned_folder(prefix: str, parent: Path) -> Iterator[Path]:
    """
    Make a folder that is removed at the end, with all it holds.

    It is locked as long as its owner lives. Unlocked folders have lost their owner and
    are removed.
    """
    _remove_stale(prefix, parent)
    folder = Path(tempfile.mkdtemp(prefix=prefix, dir=parent))
    lock = os.open(folder / "new-lock", os.O_CREAT | os.O_RDWR, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        # Under its final name the lock is held from the start: no endpoint takes a
        # folder in the making for a stale one.
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
