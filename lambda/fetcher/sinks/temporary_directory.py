"""A directory in temporary storage that goes with the shard it was made for."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from fetcher.sinks.directory import Directory
from fetcher.sinks.file_writing import write_file
from fetcher.transfer.sink import WHOLE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fetcher.contract.download_results import Download
    from fetcher.contract.source import Item

_SCRATCH = "fetcher-shard-"


class Scratch(Directory):
    """
    A directory in temporary storage, ``/tmp`` on Lambda, that goes with `close`.

    Leftovers of shards that were killed in this environment go first: they would
    take up the room of this one. A lock, which dies with its process, tells them
    from the folders of shards still at work.
    """

    tells_sizes = False

    def __init__(self) -> None:
        here = Path(tempfile.gettempdir())
        for old in here.glob(f"{_SCRATCH}*"):
            with contextlib.suppress(OSError):  # locked, or another user's
                os.close(_locked(old))
                shutil.rmtree(old)
        new = Path(tempfile.mkdtemp(prefix="fetcher-"))
        self._at = _locked(new)
        self._folder = new.rename(here / f"{_SCRATCH}{new.name}")
        super().__init__(self._folder)

    def keep(
        self,
        item: Item,
        parts: Sequence[bytes],
        download: Download = WHOLE,  # noqa: ARG002
    ) -> str:
        """Write a file in place: nobody looks here before the shard is done."""
        path, at = self._place_of(item)
        write_file(path, parts, at, is_private=True)
        return path

    def _place_of(self, item: Item) -> tuple[str, int]:
        """Return a path named by the item's number; nobody looks for it by its URL."""
        return f"{self._below}{item.number}", self._at

    def close(self) -> None:
        """Remove the folder; what cannot be removed now, the next one tries to."""
        with contextlib.suppress(OSError):  # by name: `rmtree` looks at each first
            for name in os.listdir(self._at):  # noqa: PTH208 - no path
                os.unlink(name, dir_fd=self._at)
        super().close()
        shutil.rmtree(self._folder, ignore_errors=True)
        os.close(self._at)


def _locked(folder: Path) -> int:
    """Return a descriptor that holds the folder's lock; `OSError` if another does."""
    # What others put into a shared folder is neither waited for nor followed.
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor
