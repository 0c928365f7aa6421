"""Search of a long list for lines that would overwrite each other's files."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

from fetcher.lists.checked_rows import CheckedRows
from fetcher.lists.lines import MAX_LINE, Problems

if TYPE_CHECKING:
    from pathlib import Path

    from fetcher.lists.rows import RowReader

_READ_BYTES = 2**20


def refuse_repeats(path: Path, *, allow_s3: bool = False) -> None:
    """
    Refuse a list that names destinations if lines of it repeat each other.

    The list is read several times for that, never held; one of URLs only is searched
    for a TAB, which takes no time. Bad lines are passed over: they end as `bad_url`.

    Args:
        path: The list.

        allow_s3: Whether ``s3://bucket/key`` is a URL, too.

    Raises:
        UrlListError: If lines repeat the URL of another, or the name it is stored
            under.
    """
    rows = CheckedRows(path, allow_s3=allow_s3)
    if _names_destinations(path, rows.reader):
        problems = Problems(path)
        for line, problem in rows.repeats():
            problems.add(line, problem)
        problems.raise_if_any()


def _names_destinations(path: Path, reader: RowReader) -> bool:
    with path.open("rb") as file:
        if reader.is_csv:
            header = file.readline(MAX_LINE).decode("utf-8-sig", "replace")
            return "destination" in next(csv.reader([header]))
        mark = b"\t" if reader.is_text else b'"destination"'
        while piece := file.read(_READ_BYTES) + file.readline(MAX_LINE):
            if mark in piece:
                return True
    return False
