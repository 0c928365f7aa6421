"""
Unnamed files in temporary storage, reused.

Their old content stays in them: overwriting it takes a tenth of the time that the
kernel needs to find, and clear, memory for new pages.
"""

from __future__ import annotations

import os
import tempfile
from collections import deque
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from io import FileIO
    from pathlib import Path

_LARGE_BYTES = 32 * 2**20  # a file that grew so large gives its room back


class Files:
    """
    Files for one job; any thread may take and give them.

    They vanish with their descriptors, so with this process, too. Until then they take
    up room in the folder, or else in temporary storage.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._idle: deque[FileIO] = deque()
        self._is_open = True

    def take(self) -> FileIO:
        """Return a file to write from its start; `OSError` if none can be had."""
        try:
            file = self._idle.pop()
        except IndexError:
            return tempfile.TemporaryFile(
                buffering=0, prefix="fetcher-", dir=self._folder
            )
        file.seek(0)
        return file

    def give(self, file: FileIO) -> None:
        """Take back a file that is no longer needed."""
        if self._is_open and os.fstat(file.fileno()).st_size < _LARGE_BYTES:
            self._idle.append(file)
        else:
            file.close()

    def close(self) -> None:
        """Close the files given back, now and from now on."""
        self._is_open = False
        while self._idle:
            self._idle.pop().close()


class Part(NamedTuple):
    """
    A stretch of a file, as a request's body.

    Attributes:
        size: Bytes, from its beginning.
    """

    file: FileIO
    size: int
    files: Files

    def release(self) -> None:
        """Give the file back."""
        self.files.give(self.file)
