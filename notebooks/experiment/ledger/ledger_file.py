"""The ledger's file: a line per invocation, written out as it arrives."""

from __future__ import annotations

import fcntl
import os
from mmap import ACCESS_READ, mmap
from typing import TYPE_CHECKING

from experiment.ledger.invocation import Invocation, LedgerError, NoRoomError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from io import FileIO
    from pathlib import Path

_NAME = "reports.jsonl"


class Reports:
    """
    The file, open for appending.

    Raises:
        LedgerError: If another process has it open, or it cannot be written.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / _NAME
        self._file = _locked(self._path)

    def append(self, invocation: Invocation, report_json: bytes = b"") -> None:
        """
        Write one line out, with the report as it arrived: no crash loses it now.

        Raises:
            LedgerError: If the disk is full. Earlier lines are intact.
        """
        self._write(invocation.to_line(report_json))

    def absorb(self, folder: Path) -> None:
        """Copy the lines of another run, as of a grid's cell."""
        with (folder / _NAME).open("rb") as lines:
            for line in lines:
                self._write(line)

    def close(self) -> None:
        """Close the file, and let other processes write."""
        self._file.close()

    def _write(self, line: bytes) -> None:
        size, left = self._file.tell(), memoryview(line)
        try:
            while left:
                left = left[self._file.write(left) :]
        except OSError as error:
            self._file.truncate(size)
            raise no_room(self._path, error) from error


def read_invocations(folder: Path) -> Iterator[Invocation]:
    """
    Yield all invocations, in the order they ended.

    A last line that a crash left incomplete counts as not written.

    Raises:
        LedgerError: If any other line cannot be read.
    """
    path = folder / _NAME
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if not line.endswith(b"\n"):
                return
            try:
                invocation = Invocation.from_line(line)
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                msg = f"{path}, line {number:,} cannot be read: {error}."
                raise LedgerError(msg) from error
            yield invocation


def check_free(folder: Path) -> None:
    """
    Check that no other process writes to a run's folder.

    Raises:
        LedgerError: If one does.
    """
    if (folder / _NAME).exists():
        _locked(folder / _NAME).close()


def _locked(path: Path) -> FileIO:
    """
    Open the file for appending, for this process alone.

    The lock ends with the process, however that ends. A last line that a crash left
    incomplete is removed, or it would spoil the next one.
    """
    try:
        file = path.open("a+b", buffering=0)
    except OSError as error:
        raise no_room(path, error) from error
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        file.close()
        msg = f"{path.parent} is in use: another process is writing this run."
        raise LedgerError(msg) from error
    file.truncate(_end_of_lines(file))
    file.seek(0, os.SEEK_END)
    return file


def _end_of_lines(file: FileIO) -> int:
    """Return where the last whole line ends."""
    if not file.seek(0, os.SEEK_END):
        return 0
    with mmap(file.fileno(), 0, access=ACCESS_READ) as content:
        return content.rfind(b"\n") + 1


def no_room(path: Path, error: OSError) -> NoRoomError:
    """Return the error for a file that cannot be written."""
    why = os.strerror(error.errno) if error.errno else error
    return NoRoomError(
        f"{path} cannot be written: {why}. Everything written before is kept. Once "
        f"there is room, resume with: python -m experiment resume {path.parent}"
    )
