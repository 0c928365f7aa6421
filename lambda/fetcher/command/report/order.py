"""The lines of a report in the order of their rows, whatever its length."""

from __future__ import annotations

import mmap
from array import array
from typing import TYPE_CHECKING

from fetcher.command.report.json_lines import BEGINNING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

_NONE = -1


def in_order(file: BinaryIO) -> Iterator[bytes]:
    """
    Yield the lines of a report in the order of their rows, each with its end.

    Only where they are is held, 8 bytes a row.

    Args:
        file: The report; every line begins with its row, and ends.
    """
    places = array("q")
    at = file.seek(0)
    for line in file:
        row = _row_of(line)
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


def _row_of(line: bytes) -> int:
    return int(line[len(BEGINNING) : line.index(b",", len(BEGINNING))])
