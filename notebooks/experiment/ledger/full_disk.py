"""Errors of a disk that takes no more, in words."""

from __future__ import annotations

import errno
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from experiment.ledger.invocation import NoRoomError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import TextIO

# The errors of a disk that is full, worn out or read-only.
_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO}


@contextmanager
def writing(output: Path | str) -> Iterator[None]:
    """
    Turn the error of a full disk into a sentence.

    Args:
        output: What is written, if the error names no file.

    Raises:
        NoRoomError: If the disk takes no more.
    """
    try:
        yield
    except OSError as error:
        if error.errno not in _NO_ROOM:
            raise
        path = error.filename or output
        msg = f"{path} cannot be written: {os.strerror(error.errno)}."
        raise NoRoomError(msg) from error


class Stdout:
    """Standard output; its errors name it, or they would seem the notebook's."""

    def __init__(self, stdout: TextIO) -> None:
        self._stdout = stdout

    def write(self, text: str) -> None:
        """Write to it at once; after an error, to nowhere."""
        try:
            with writing("Standard output"):
                self._stdout.write(text)
                self._stdout.flush()
        except NoRoomError:
            # Python writes what is left at its end, and would fail with status 120.
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self._stdout.fileno())
            os.close(nowhere)
            raise

    def flush(self) -> None:
        """Do nothing: papermill flushes what `write` has written out."""
