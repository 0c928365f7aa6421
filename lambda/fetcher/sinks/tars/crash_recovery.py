"""
Tars that were left unfinished, cut down to what a report has.

What is taken out is at the end or close to it: bodies that came in the last moments of
a run that was killed, and were not reported.
"""

from __future__ import annotations

import os
import tempfile
from typing import TYPE_CHECKING

from fetcher.sinks.file_writing import write_all
from fetcher.sinks.tars.tar_reading import members_in
from fetcher.sinks.tars.tar_writing import index_line

if TYPE_CHECKING:
    from pathlib import Path
    from typing import BinaryIO

    from fetcher.sinks.resumable_sink import KnownPositions
    from fetcher.sinks.tars.tar_reading import Found

_COPIED_BYTES = 1_048_576


def repair(tar: Path, index: Path, wanted: KnownPositions) -> None:
    """
    Cut a tar down to some members, and write its index anew.

    If this is killed, members are missing that were wanted; none is torn.

    Raises:
        OSError: If there is no room for it.
    """
    end = 0
    with tar.open("r+b") as file, index.open("wb") as lines:
        while True:
            again = False
            for member in members_in(file.fileno(), end):
                if member.position not in wanted:
                    _take_out(file, member, end, wanted)
                    again = True
                    break
                lines.write(
                    index_line(member.name, member.offset, member.size, member.fields)
                )
                end = member.end
            if not again:
                file.truncate(end)
                return


def _take_out(file: BinaryIO, first: Found, at: int, wanted: KnownPositions) -> None:
    """Remove the first unwanted member, which begins here, and all after it."""
    source = file.fileno()
    with tempfile.TemporaryFile(dir=os.path.dirname(file.name), buffering=0) as aside:  # noqa: PTH120
        start = first.end
        for member in members_in(source, first.end):
            if member.position in wanted:
                _copy(source, start, member.end, aside.fileno())
            start = member.end
        file.truncate(at)
        os.lseek(source, at, os.SEEK_SET)
        _copy(aside.fileno(), 0, os.fstat(aside.fileno()).st_size, source)


def _copy(source: int, start: int, end: int, target: int) -> None:
    while start < end:
        some = os.pread(source, min(_COPIED_BYTES, end - start), start)
        write_all(target, [some])
        start += len(some)
