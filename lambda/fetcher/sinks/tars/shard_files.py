"""
Where tars are on this machine, and what they are called while they grow.

A tar and its index have ``.part`` behind their names until they are complete.
"""

from __future__ import annotations

import fcntl
import os
import re
from contextlib import suppress
from functools import lru_cache
from typing import TYPE_CHECKING

from fetcher.lists.file_names import PART
from fetcher.sinks.tars.member import END

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TAR = ".tar"

_CLOSED = -1
_SHARD = re.compile(r"\d{5,}\.tar")
_OWN = re.compile(rf"\d{{5,}}\.(tar|jsonl)({re.escape(PART)})?")


class ShardFiles:
    """A folder of shards, ``00000.tar`` and so on, or one tar."""

    def __init__(self, path: Path, *, is_folder: bool) -> None:
        self.is_folder = is_folder
        self.folder = path if is_folder else path.parent
        self.folder.mkdir(parents=True, exist_ok=True)
        self._one = path
        self._next = 0
        self._run = _CLOSED

    def has(self, tar: str) -> bool:
        """Tell whether a tar, by its path, is one of these."""
        place = tar.rpartition("/")[0] if self.is_folder else tar
        return _absolute(place) == _absolute(str(self._one))

    def spelled(self, tar: str) -> str:
        """Return the path of a tar, as this place spells it if it is one of these."""
        folder, _, name = tar.rpartition("/")
        is_here = _absolute(folder) == _absolute(str(self.folder))
        return str(self.folder / name) if is_here else tar

    def complete(self) -> list[Path]:
        """Return the tars that are complete."""
        return [path for path in self._found() if path.suffix == TAR]

    def growing(self) -> list[Path]:
        """Return the tars that are not, by the names that they will have."""
        return [path.with_suffix("") for path in self._found() if path.suffix == PART]

    def _found(self) -> Iterator[Path]:
        if self.is_folder:
            names = sorted(os.listdir(self.folder))  # noqa: PTH208 - names alone
            ours = (one for one in names if _SHARD.fullmatch(one.removesuffix(PART)))
            yield from (self.folder / name for name in ours)
        else:
            yield from (one for one in (self._one, part_of(self._one)) if one.exists())

    def index_of(self, tar: Path) -> Path:
        """Return the index of a tar; a report may well be called like a single tar."""
        return tar.with_suffix(".jsonl" if self.is_folder else ".index.jsonl")

    def owns(self, file: Path) -> bool:
        """Tell whether a file is called like a tar of this place, or its index."""
        if file.parent.resolve() != self.folder.resolve():
            return False
        if self.is_folder:
            return bool(_OWN.fullmatch(file.name))
        own = (self._one.name, self.index_of(self._one).name)
        return file.name.removesuffix(PART) in own

    def lock(self) -> None:
        """
        Keep other runs out until `close`.

        Raises:
            ValueError: If one is here.
        """
        path, flags = self._one, os.O_RDONLY
        if not path.exists():
            path, flags = part_of(path), os.O_RDWR | os.O_CREAT
        self._run = os.open(path, flags | os.O_CLOEXEC, 0o666)
        try:
            fcntl.flock(self._run, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            msg = (
                f"{self._one} is being written by another run. Wait for its end, or "
                "name another place."
            )
            raise ValueError(msg) from None
        except OSError:
            pass  # this file system has no locks

    def go_on(self) -> None:
        """Let a single tar that is complete grow again."""
        tar, index = self._one, self.index_of(self._one)
        if tar.exists():
            with suppress(FileNotFoundError):
                index.rename(part_of(index))
            tar.rename(part_of(tar))
            os.truncate(part_of(tar), part_of(tar).stat().st_size - len(END))

    def begin(self) -> Path:
        """Return the next tar to write: a new one, or the one there is to be."""
        if not self.is_folder:
            return self._one
        while True:
            tar = self.folder / f"{self._next:05}{TAR}"
            self._next += 1
            if not tar.exists():
                with suppress(FileExistsError):  # another process has begun it
                    os.close(os.open(part_of(tar), os.O_CREAT | os.O_EXCL, 0o666))
                    return tar

    def finish(self, tar: Path) -> None:
        """End a tar and give it its name; one without members is removed."""
        index = self.index_of(tar)
        if not part_of(tar).stat().st_size:
            part_of(tar).unlink()
            part_of(index).unlink(missing_ok=True)
            return
        with part_of(tar).open("ab") as file:
            file.write(END)
        part_of(index).rename(index)
        part_of(tar).rename(tar)

    def close(self) -> None:
        """Let others in."""
        run, self._run = self._run, _CLOSED
        if run != _CLOSED:
            os.close(run)


@lru_cache
def _absolute(folder: str) -> str:
    return os.path.abspath(folder)  # noqa: PTH100 - of any text


def part_of(path: Path) -> Path:
    """Return what a file is called until it is complete."""
    return path.with_name(path.name + PART)
