"""
The report of a run in the format that its name asks for.

A table cannot be added to as downloads end, nor does one that is being written survive
its writer. So while a run goes on, its report is a file of JSON lines beside the table,
called like it with ``.jsonl`` added; the table takes its place once it is whole.
"""

from __future__ import annotations

import mmap
import os
from array import array
from contextlib import contextmanager
from typing import TYPE_CHECKING, Self

from fetcher.command.report.csv_and_parquet import is_table, lines_of, write_table
from fetcher.command.report.file import ReportFile
from fetcher.command.report.json_lines import BEGINNING
from fetcher.lists.file_names import PART
from fetcher.sinks.file_writing import create

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import BinaryIO

_NONE = -1


class RunReport:
    """
    A report, open for one run.

    Args:
        path: Where it is, or is to be: ``.csv``, ``.parquet``, or JSON lines.

        in_order: Whether JSON lines come in the list's order in the end. Tables do.

    Attributes:
        file: Its lines, to be added to as downloads end.

    Raises:
        ValueError: If another process is writing it, if it cannot be written here, or
            if the file that is there is none.

        OSError: If it cannot be opened.
    """

    def __init__(self, path: Path, *, in_order: bool = False) -> None:
        self._path = path
        self._in_order = in_order
        self._is_table = is_table(path)
        lines = path.with_name(f"{path.name}.jsonl") if self._is_table else path
        self._is_new = not lines.exists()
        self._made: tuple[int, int] | None = None  # inode and size of the table's lines
        if self._is_table and path.exists() and not lines.exists():
            with _whole(lines) as aside, aside.open("wb") as file:
                file.writelines(lines_of(path))
            self._made = _identity_of(lines)
        self._lines = lines
        self.file = ReportFile(lines, path if self._made else None)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.file.__exit__()
        # A run that was refused leaves all as it was.
        now = _identity_of(self._lines)
        if now and (now == self._made or (self._is_new and not now[1])):
            self._lines.unlink()

    def finish(self) -> None:
        """
        Write the table, or put the lines in order, now that all has ended.

        Raises:
            OSError: If that fails; the lines are there still.
        """
        self.file.check()
        if not self.file.is_regular:
            return
        with self.file.reader() as file:
            if self._is_table:
                is_csv = self._path.suffix.lower() == ".csv"
                with _whole(self._path.resolve()) as aside:
                    write_table(aside, lambda: _sorted_lines(file), is_csv=is_csv)
                self._lines.unlink()
            elif self._in_order:
                self.file.replace(_sorted_lines(file))


@contextmanager
def _whole(path: Path) -> Iterator[Path]:
    """Let a file be written aside; it gets its name once it is whole."""
    aside = path.with_name(path.name + PART)
    descriptor = create(str(aside))
    try:
        yield aside
        os.fsync(descriptor)
        aside.replace(path)
    except BaseException:
        aside.unlink(missing_ok=True)
        raise
    finally:
        os.close(descriptor)


def _identity_of(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except FileNotFoundError:  # the table has been written
        return None
    return status.st_ino, status.st_size


def _sorted_lines(file: BinaryIO) -> Iterator[bytes]:
    """
    Yield the lines of a report in the order of their rows, which they begin with.

    Only where they are is held, 8 bytes a row.
    """
    places = array("q")
    at = file.seek(0)
    for line in file:
        row = int(line[len(BEGINNING) : line.index(b",", len(BEGINNING))])
        if row > len(places):
            places.extend([_NONE] * (row - len(places)))
        places[row - 1] = at
        at += len(line)
    if not at:
        return
    with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as lines:
        for place in places:
            if place != _NONE:
                yield lines[place : lines.find(b"\n", place) + 1]
