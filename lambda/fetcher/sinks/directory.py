"""Sink of files below one folder, each under its name only once it is whole."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from typing import TYPE_CHECKING

from fetcher.lists.file_names import PART, name_of
from fetcher.sinks.folders import Folders
from fetcher.transfer.sink import Sink

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from fetcher.contract.source import Item

# Existing files are not written to: they may be links to elsewhere.
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_CLOSED = -1
_MOST_PARTS = 1_024  # IOV_MAX: what one call takes
_LONGEST_PATH = os.pathconf("/", "PC_PATH_MAX")
_ROOM = 16  # of it, for the ends of names aside
_REPLACED = "removed while it was written; does another run store files here, too?"


class Directory(Sink):
    """
    Sink that writes each body aside and renames it when it is whole.

    Args:
        folder: Created if missing. Nothing is ever written outside it, whatever
            symbolic links there are below it.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._below = f"{folder}/"
        self._folders = Folders(str(folder))
        self._asides: set[str] = set()  # being written

    def path_of(self, item: Item) -> str:
        """Return the path of the item's body."""
        return self._below + name_of(item)

    def holds(self, path: str, size: int) -> bool:
        """Tell whether a body of so many bytes is at a path that a report told."""
        try:
            found = os.stat(path)  # noqa: PTH116 - a path object a file is dear
        except (OSError, ValueError):  # or no path at all
            return False
        return stat.S_ISREG(found.st_mode) and found.st_size == size

    def keep(self, item: Item, parts: Sequence[bytes], kind: str = "") -> str:  # noqa: ARG002
        """Write a file and return its path; leave nothing of it if that fails."""
        path, at = self._place_of(item)
        aside = self._aside_of(path)
        write_file(aside, parts, at)
        try:
            _rename(aside, path, at)
        except OSError:
            _unlink(aside, at)
            raise
        return path

    def open(self, item: Item, kind: str = "") -> _File:  # noqa: ARG002
        """Open the file aside from its final name."""
        path, at = self._place_of(item)
        aside = self._aside_of(path)
        descriptor = create(aside, at)
        self._asides.add(aside)
        return _File(self, item, aside, descriptor)

    def close(self) -> None:
        """Close the folders; the files stay."""
        self._folders.close()

    def finish(self, item: Item, aside: str) -> str:
        """Give a file that was opened its final name; return the path."""
        path, at = self._place_of(item)
        _rename(aside, path, at)
        self._asides.discard(aside)
        return path

    def drop(self, item: Item, aside: str, *, is_lost: bool) -> None:
        """
        Remove a file that was opened; nothing happens if that was done before.

        Args:
            item: What it is the body of.

            aside: Where the file is.

            is_lost: Whether it is gone, and what is there is another run's.
        """
        if aside in self._asides and not is_lost:
            with contextlib.suppress(OSError):  # there is nobody left to tell
                _, at = self._place_of(item)
                _unlink(aside, at)
        self._asides.discard(aside)

    def _place_of(self, item: Item) -> tuple[str, int]:
        """Return where a body goes, and the descriptor of its folder, made if new."""
        name = name_of(item)
        path = self._below + name
        if len(path) > _LONGEST_PATH - _ROOM:
            raise OSError(errno.ENAMETOOLONG, os.strerror(errno.ENAMETOOLONG), path)
        return path, self._folders.at(name[: max(0, name.rfind("/"))])

    def _aside_of(self, path: str) -> str:
        """Return where a body is until it is whole."""
        aside = path + PART
        while aside in self._asides:  # another body is on its way to the same name
            aside += PART
        return aside


class _File:
    """Bare descriptors: file and path objects would cost more than writing does."""

    __slots__ = ("_aside", "_descriptor", "_item", "_sink")

    def __init__(
        self, sink: Directory, item: Item, aside: str, descriptor: int
    ) -> None:
        self._sink = sink
        self._item = item
        self._aside = aside
        self._descriptor = descriptor

    def write(self, parts: Sequence[bytes]) -> None:
        try:
            write_all(self._descriptor, parts)
        except OSError as error:
            error.filename = self._aside
            raise

    def commit(self) -> str:
        if _is_lost(self._descriptor):
            raise _lost(self._aside)
        self._close()
        return self._sink.finish(self._item, self._aside)

    def discard(self) -> None:
        is_lost = self._descriptor != _CLOSED and _is_lost(self._descriptor)
        with contextlib.suppress(OSError):  # there is nobody left to tell
            self._close()
        self._sink.drop(self._item, self._aside, is_lost=is_lost)

    def _close(self) -> None:
        descriptor, self._descriptor = self._descriptor, _CLOSED
        if descriptor != _CLOSED:
            os.close(descriptor)


def create(path: str, at: int | None = None) -> int:
    """
    Return the descriptor of a new file, which replaces the one that is there.

    Args:
        path: Where it is.

        at: The descriptor of its folder; None: the path is trusted to lead there.
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


def write_file(path: str, parts: Sequence[bytes], at: int) -> None:
    """
    Write a new file, or leave nothing of it and raise `OSError`.

    Args:
        path: Where it is.

        parts: What is in it.

        at: The descriptor of its folder.
    """
    descriptor = create(path, at)
    is_lost = False
    try:
        try:
            write_all(descriptor, parts)
        finally:
            is_lost = _is_lost(descriptor)
            os.close(descriptor)
        if is_lost:
            raise _lost(path)
    except OSError as error:
        if not is_lost:
            _unlink(path, at)
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


def _is_lost(descriptor: int) -> bool:
    """Tell whether a new file has been replaced by another process's, or removed."""
    return os.fstat(descriptor).st_nlink == 0


def _lost(path: str) -> OSError:
    return OSError(errno.ENOENT, _REPLACED, path)


def _rename(old: str, new: str, at: int) -> None:
    try:
        os.replace(_name_in(old), _name_in(new), src_dir_fd=at, dst_dir_fd=at)
    except OSError as error:
        error.filename, error.filename2 = old, new
        raise


def _unlink(path: str, at: int) -> None:
    with contextlib.suppress(OSError):  # there is nobody left to tell
        os.unlink(_name_in(path), dir_fd=at)


def _name_in(path: str) -> str:
    return path[path.rindex("/") + 1 :]
