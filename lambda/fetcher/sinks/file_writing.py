"""Files written whole or not at all; one that is there is replaced, not changed."""

from __future__ import annotations

import contextlib
import errno
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

# Existing files are not written to: they may be links to elsewhere.
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_MOST_PARTS = 1_024  # IOV_MAX: what one call takes
_REPLACED = "removed while it was written; does another run store files here, too?"


def create(path: str, at: int | None = None) -> int:
    """
    Return the descriptor of a new file, which replaces the one that is there.

    It is in the folder `at`, or at a trusted path.
    """
    name = path if at is None else _name_in(path)
    try:
        try:
            return os.open(name, _CREATE, 0o666, dir_fd=at)
        except FileExistsError:  # left by a run that was killed
            os.unlink(name, dir_fd=at)
            return os.open(name, _CREATE, 0o666, dir_fd=at)
    except OSError as error:
        error.filename = path
        raise


def write_file(
    path: str, parts: Sequence[bytes], at: int, *, is_private: bool = False
) -> None:
    """
    Write a new file, or leave nothing of it and raise `OSError`.

    Unless its folder is private, it fails if another process writes the same file.
    """
    descriptor = create(path, at)
    is_lost = False
    try:
        try:
            write_all(descriptor, parts)
        finally:
            is_lost = not is_private and was_replaced(descriptor)
            os.close(descriptor)
        if is_lost:
            raise replaced_error(path)
    except OSError as error:
        if not is_lost:
            unlink(path, at)
        error.filename = path
        raise


def write_all(descriptor: int, parts: Sequence[bytes]) -> None:
    """Write parts to an open file; `OSError` may leave some of them there."""
    if len(parts) > _MOST_PARTS:
        parts = [b"".join(parts)]
    written, size = os.writev(descriptor, parts), sum(map(len, parts))
    if written < size:  # a nearly full disk takes a part of it
        rest = memoryview(b"".join(parts))
        while written < size:
            written += os.write(descriptor, rest[written:])


def was_replaced(descriptor: int) -> bool:
    """Tell whether a new file has been replaced by another process's, or removed."""
    return os.fstat(descriptor).st_nlink == 0


def replaced_error(path: str) -> OSError:
    """Return the error that a file which `was_replaced` ends with."""
    return OSError(errno.ENOENT, _REPLACED, path)


def unlink(path: str, at: int) -> None:
    """Remove a file from its folder, if that can be done."""
    with contextlib.suppress(OSError):  # there is nobody left to tell
        os.unlink(_name_in(path), dir_fd=at)


def _name_in(path: str) -> str:
    return path[path.rindex("/") + 1 :]
