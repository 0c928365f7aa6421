"""The one temporary folder of an endpoint, and what crashed ones left behind."""

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

PREFIX = "local-lambda-"

# Functions have a /tmp of their own over this one, in which nothing of ours should be.
_SHARED = Path("/tmp")  # noqa: S108 - the folder made in it is ours alone
_ASIDE = Path("/var/tmp")  # noqa: S108

_LOCK = "lock"


@contextlib.contextmanager
def temporary() -> Iterator[Path]:
    """
    Make a folder that is removed at the end.

    It is locked as long as its owner lives, so the next endpoint knows which folders
    nobody owns any more, and removes them.
    """
    parent = _parent()
    _remove_stale(parent)
    folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent))
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


def _parent() -> Path:
    parent = Path(tempfile.gettempdir())
    if parent == _SHARED and os.access(_ASIDE, os.W_OK | os.X_OK):
        return _ASIDE
    return parent


def _remove_stale(parent: Path) -> None:
    for folder in parent.glob(f"{PREFIX}*"):
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
