"""Bodies become files below one folder, each under its name only once whole."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

from fetcher.naming import PART, name_of
from fetcher.sinks.sink import Sink

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from fetcher.source import Item

_FOLDERS_REMEMBERED = 4_096
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
_CLOSED = -1
_MOST_PARTS = 1_024  # IOV_MAX: what one call takes


class Directory(Sink):
    """
    A sink that writes each body aside and renames it when it is whole.

    Args:
        folder: Created if missing. Nothing is ever written outside it.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._below = f"{folder}/"
        self._made: set[str] = set()
        self._asides: set[str] = set()  # being written

    def path_of(self, item: Item) -> str:
        """Return where the item's body is kept."""
        return self._below + name_of(item)

    def keep(self, item: Item, parts: Sequence[bytes], kind: str = "") -> str:  # noqa: ARG002
        """Write a file and return its path; leave nothing of it if that fails."""
        path, aside = self._paths_of(item)
        write_file(aside, parts)
        try:
            os.replace(aside, path)  # noqa: PTH105 - a path object a file is dear
        except OSError:
            _unlink(aside)
            raise
        return path

    def open(self, item: Item, kind: str = "") -> _File:  # noqa: ARG002
        """Open the file aside from its final name."""
        path, aside = self._paths_of(item)
        self._asides.add(aside)
        return _File(path, aside, self._asides)

    def close(self) -> None:
        """Do nothing: the files stay, and none is open."""

    def _paths_of(self, item: Item) -> tuple[str, str]:
        """Return where a body goes, and where it is until it is whole."""
        path = self._made_path(item)
        aside = path + PART
        while aside in self._asides:  # another body is on its way to the same name
            aside += PART
        return path, aside

    def _made_path(self, item: Item) -> str:
        path = self._below + name_of(item)
        folder = path[: path.rindex("/")]
        if folder not in self._made:
            self._make(folder)
        return path

    def _make(self, folder: str) -> None:
        os.makedirs(folder, exist_ok=True)  # noqa: PTH103 - it is no path object
        if len(self._made) >= _FOLDERS_REMEMBERED:
            self._made.clear()
        self._made.add(folder)


class _File:
    """Bare descriptors: file and path objects would cost more than writing does."""

    __slots__ = ("_aside", "_asides", "_descriptor", "_path")

    def __init__(self, path: str, aside: str, asides: set[str]) -> None:
        self._path = path
        self._aside = aside
        self._asides = asides
        self._descriptor = os.open(aside, _CREATE, 0o666)

    def write(self, parts: Sequence[bytes]) -> None:
        try:
            write_all(self._descriptor, parts)
        except OSError as error:
            error.filename = self._aside
            raise

    def commit(self) -> str:
        self._close()
        os.replace(self._aside, self._path)  # noqa: PTH105 - a path object a file is dear
        self._asides.discard(self._aside)
        return self._path

    def discard(self) -> None:
        with contextlib.suppress(OSError):  # there is nobody left to tell
            self._close()
        _unlink(self._aside)
        self._asides.discard(self._aside)

    def _close(self) -> None:
        descriptor, self._descriptor = self._descriptor, _CLOSED
        if descriptor != _CLOSED:
            os.close(descriptor)


def write_file(path: str, parts: Sequence[bytes]) -> None:
    """Write a file, or leave nothing of it and raise `OSError`."""
    descriptor = os.open(path, _CREATE, 0o666)
    try:
        try:
            write_all(descriptor, parts)
        finally:
            os.close(descriptor)
    except OSError as error:
        _unlink(path)
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


def _unlink(path: str) -> None:
    with contextlib.suppress(OSError):  # there is nobody left to tell
        os.unlink(path)  # noqa: PTH108 - a path object a file is dear
