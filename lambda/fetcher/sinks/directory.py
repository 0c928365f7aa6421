"""Bodies become files below one folder, each under its name only once whole."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

from fetcher.naming import PART, name_of

if TYPE_CHECKING:
    from pathlib import Path

    from fetcher.source import Item

_FOLDERS_REMEMBERED = 4_096
_ASIDE = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
_CLOSED = -1


class Directory:
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

    def open(self, item: Item) -> _File:
        """Open the file aside from its final name."""
        path = self._below + name_of(item)
        folder = path[: path.rindex("/")]
        if folder not in self._made:
            self._make(folder)
        aside = path + PART
        while aside in self._asides:  # another body is on its way to the same name
            aside += PART
        self._asides.add(aside)
        return _File(path, aside, self._asides)

    def close(self) -> None:
        """Do nothing: the files stay, and none is open."""

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
        self._descriptor = os.open(aside, _ASIDE, 0o666)

    def write(self, chunk: bytes) -> None:
        try:
            written = os.write(self._descriptor, chunk)
            while written < len(chunk):  # a nearly full disk takes a part of it
                chunk = chunk[written:]
                written = os.write(self._descriptor, chunk)
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
        with contextlib.suppress(OSError):
            os.unlink(self._aside)  # noqa: PTH108 - a path object a file is dear
        self._asides.discard(self._aside)

    def _close(self) -> None:
        descriptor, self._descriptor = self._descriptor, _CLOSED
        if descriptor != _CLOSED:
            os.close(descriptor)
