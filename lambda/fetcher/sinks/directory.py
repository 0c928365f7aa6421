"""
Sink of files below one folder, each under its name only once it is whole.

What is known of a file can be kept beside it, as NAME.json.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from typing import TYPE_CHECKING

from fetcher.lists.file_names import PART
from fetcher.sinks.file_writing import (
    create,
    replaced_error,
    unlink,
    was_replaced,
    write_all,
    write_file,
)
from fetcher.sinks.layouts import ByHost
from fetcher.sinks.open_folders import OpenFolders
from fetcher.sinks.resumable_sink import ResumableSink
from fetcher.sinks.sidecar_fields import fields_of
from fetcher.transfer.sink import WHOLE

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from pathlib import Path

    from fetcher.contract.download_results import Download
    from fetcher.contract.source import Item
    from fetcher.sinks.layouts import Layout

_BESIDE = ".json"  # ends the name of a file beside another, and then of no body
_CLOSED = -1
_LONGEST_PATH = os.pathconf("/", "PC_PATH_MAX") - 16  # for the ends of names aside
_TOLD = b'{"row": '  # begins it
_CLASH = "a row has this name as a folder, one as a file; --layout hash keeps both"


class Directory(ResumableSink):
    """
    Sink that writes each body aside and renames it when it is whole.

    Args:
        folder: Created if missing. Nothing is ever written outside it, whatever
            symbolic links there are below it.

        layout: Names of files; None: those of `ByHost`.

        beside: Whether what is known of a file goes beside it.

        taken: Names below the folder that no file gets: they are other files'.
    """

    def __init__(
        self,
        folder: Path,
        layout: Layout | None = None,
        *,
        beside: bool = False,
        taken: Collection[str] = (),
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._layout = layout or ByHost()
        self._has_beside = beside
        self._taken = taken
        self._below = f"{folder}/"
        self._folders = OpenFolders(str(folder))
        self._asides: set[str] = set()  # being written

    def key_of(self, item: Item) -> str:
        """Return what only this item's paths have."""
        return self._layout.key(self._stem_of(item))

    def key_at(self, path: str) -> str:
        """Return the key of a path; empty: it is none of these."""
        below = self._below
        if not path.startswith(below):  # it may be spelled otherwise
            path, below = os.path.abspath(path), f"{os.path.abspath(below)}/"  # noqa: PTH100
        is_here = path.startswith(below)
        return self._layout.key(path.removeprefix(below)) if is_here else ""

    def holds(self, path: str, size: int) -> bool:
        """Tell whether a body of so many bytes is at a path that a report told."""
        try:
            found = os.stat(path)  # noqa: PTH116 - a path object a file is dear
            if self._has_beside and not _is_beside(path + _BESIDE):
                return False
        except (OSError, ValueError):  # or no path at all
            return False
        return stat.S_ISREG(found.st_mode) and found.st_size == size

    def keep(
        self, item: Item, parts: Sequence[bytes], download: Download = WHOLE
    ) -> str:
        """Write a file and return its path; leave nothing of it if that fails."""
        stem, at = self._place_of(item)
        aside = self._aside_of(stem)
        write_file(aside, parts, at)
        try:
            return self._name(item, aside, download, stem, at)
        except OSError:
            unlink(aside, at)
            raise

    def open(self, item: Item) -> _File:
        """Open the file aside from its final name."""
        path, at = self._place_of(item)
        aside = self._aside_of(path)
        descriptor = create(aside, at)
        self._asides.add(aside)
        return _File(self, item, aside, descriptor)

    def close(self) -> None:
        """Close the folders; the files stay."""
        self._folders.close()

    def finish(self, item: Item, aside: str, download: Download) -> str:
        """Give a file that was opened its final name; return the path."""
        path = self._name(item, aside, download, *self._place_of(item))
        self._asides.discard(aside)
        return path

    def drop(self, item: Item, aside: str, *, is_lost: bool) -> None:
        """Remove a file that was opened, unless what is there is another run's."""
        if aside in self._asides and not is_lost:
            with contextlib.suppress(OSError):  # there is nobody left to tell
                _, at = self._place_of(item)
                unlink(aside, at)
        self._asides.discard(aside)

    def _name(
        self, item: Item, aside: str, download: Download, stem: str, at: int
    ) -> str:
        """Give a file its final name, with what is beside it there first."""
        path = stem + self._layout.ending(item, download)
        if self._has_beside:
            told = b"{%b}\n" % fields_of(item, download.body_bytes, download).encode()
            write_file(path + _BESIDE, [told], at)
        try:
            _rename(aside, path, at)
        except OSError:
            if self._has_beside:
                unlink(path + _BESIDE, at)
            raise
        return path

    def _stem_of(self, item: Item) -> str:
        stem = self._layout.stem(item)
        if not (self._taken or self._has_beside):
            return stem
        if self._has_beside and stem.endswith(_BESIDE):
            stem = stem.removesuffix(_BESIDE) + _BESIDE.replace(".", "%2E")
        is_taken = stem in self._taken
        if is_taken or (self._has_beside and stem + _BESIDE in self._taken):
            return f"{stem[:-1]}%{ord(stem[-1]):02X}"  # as no other is spelled
        return stem

    def _place_of(self, item: Item) -> tuple[str, int]:
        """Return where a body goes, and the descriptor of its folder, made if new."""
        name = self._stem_of(item)
        path = self._below + name
        if len(path) > _LONGEST_PATH:
            raise OSError(errno.ENAMETOOLONG, os.strerror(errno.ENAMETOOLONG), path)
        try:
            return path, self._folders.at(name.rpartition("/")[0])
        except OSError as error:
            _explain_clash(error)
            raise

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

    def commit(self, download: Download = WHOLE) -> str:
        if was_replaced(self._descriptor):
            raise replaced_error(self._aside)
        self._close()
        return self._sink.finish(self._item, self._aside, download)

    def discard(self) -> None:
        is_lost = self._descriptor != _CLOSED and was_replaced(self._descriptor)
        with contextlib.suppress(OSError):  # there is nobody left to tell
            self._close()
        self._sink.drop(self._item, self._aside, is_lost=is_lost)

    def _close(self) -> None:
        descriptor, self._descriptor = self._descriptor, _CLOSED
        if descriptor != _CLOSED:
            os.close(descriptor)


def _is_beside(path: str) -> bool:
    """Tell whether a file is what was told of a body, and no body."""
    with open(path, "rb", 0) as file:  # noqa: PTH123 - as above
        return file.read(len(_TOLD)) == _TOLD


def _explain_clash(error: OSError) -> None:
    """Say what helps where one name would be a file's and a folder's."""
    if isinstance(error, (NotADirectoryError, IsADirectoryError)):
        error.strerror = f"{error.strerror}: {_CLASH}"


def _rename(old: str, new: str, at: int) -> None:
    """Rename a file in its folder."""
    end = new.rindex("/") + 1  # of the folder's path
    try:
        os.replace(old[end:], new[end:], src_dir_fd=at, dst_dir_fd=at)
    except OSError as error:
        _explain_clash(error)
        error.filename, error.filename2 = old, new
        raise
