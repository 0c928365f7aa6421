"""
Rows of a list, whatever its format: each has fields, or the problem with it.

Text holds a URL a line, or URL, TAB, destination. CSV and JSON lines name their fields.
"""

from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING, Any, NamedTuple

from fetcher.contract.source import Item
from fetcher.lists.lines import BLANK
from fetcher.s3.urls import SCHEME, place_of
from fetcher.security import guard

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from fetcher.lists.lines import Block

TEXTS = ("url", "destination", "sha256")
_SHA256_DIGITS = 64
_HEX_DIGITS = frozenset("0123456789abcdef")
_NOT_HERE = "s3:// is for runs on Lambda that name its buckets in `sources`"
_decode = json.JSONDecoder().decode  # `json.loads` looks at its options each time
_NO_FIELDS: Mapping[str, Any] = {}


class ListRow(NamedTuple):
    """
    One row of a list.

    Attributes:
        number: Its line's, from 1.

        fields: Its values by name; empty if it has a problem.

        problem: Why its fields cannot be read; empty: they were.
    """

    number: int
    fields: Mapping[str, Any] = _NO_FIELDS
    problem: str = ""


def item_of(fields: Mapping[str, Any], number: int = 0) -> Item:
    """Return the file that a row names."""
    destination, sha256 = fields.get("destination"), fields.get("sha256")
    return Item(number, fields["url"], destination or "", sha256 or "")


class RowReader:
    r"""
    Reader of rows, block by block in any order.

    Args:
        kind: The format: ``csv``, ``jsonl`` or ``txt``.

    Attributes:
        is_text: Whether it is text, which has no names of fields.

        is_csv: Whether the first line names the fields.

    >>> from fetcher.lists.lines import Block
    >>> block = Block(0, 1, 2, b"http://h/1\tcats/1.jpg\n\n")
    >>> first, second = RowReader("txt").rows_in(block)
    >>> item_of(first.fields)[:3]
    (0, 'http://h/1', 'cats/1.jpg')
    >>> second.problem
    'is blank; remove it'
    """

    def __init__(self, kind: str) -> None:
        self.is_text = kind == "txt"
        self.is_csv = kind == "csv"
        self._header: list[str] = []
        parsers = {"txt": _text_row, "jsonl": _json_row, "csv": self._csv_row}
        self._parse = parsers[kind]

    @classmethod
    def of(cls, path: Path) -> RowReader:
        """Return a reader for the format that a name's ending stands for."""
        kind = path.suffix.lower().removeprefix(".")
        return cls(kind if kind in ("csv", "jsonl") else "txt")

    def rows_in(self, block: Block) -> Iterator[ListRow]:
        """Yield the rows of a block; of CSV, the first must have been read before."""
        lines = block.lines()
        if self.is_csv:
            header = next(lines, None) if block.line == 1 else None
            if header and (problem := self._read_header(*header)):
                yield ListRow(1, problem=problem)
            if "url" not in self._header:
                return
        for number, line, problem in lines:
            if problem:
                yield ListRow(number, problem=problem)
            else:
                yield self._parse(number, line)

    def _read_header(self, _number: int, line: str, problem: str) -> str:
        """Take the first line of CSV for what it must be, or explain why it is not."""
        cells = problem or _cells(line)
        if isinstance(cells, str):
            return cells
        self._header = cells
        return "" if "url" in cells else "names no column url; the first line must"

    def _csv_row(self, number: int, line: str) -> ListRow:
        cells = _cells(line)
        if isinstance(cells, str):
            return ListRow(number, problem=cells)
        return _row_of(number, self._header, cells)


class CsvRows:
    r"""
    Rows of CSV read in one go, so that quoted text may hold line ends.

    Args:
        lines: All lines.

    Attributes:
        header: The names of the columns.

    Raises:
        csv.Error: If the header is not CSV.

    >>> rows = CsvRows(["url,title\n", 'http://h/1,"one\n', 'two"\n', "http://h/2\n"])
    >>> first, second = rows
    >>> first.number, first.fields["title"], second.number, second.problem
    (2, 'one\ntwo', 4, 'has 1 fields; the header has 2')
    """

    def __init__(self, lines: Iterable[str]) -> None:
        self._reader = csv.reader(lines, strict=True)
        self.header: list[str] = next(self._reader, [])

    def __iter__(self) -> Iterator[ListRow]:
        while True:
            number = self._reader.line_num + 1
            try:
                cells = next(self._reader)
            except StopIteration:
                return
            except csv.Error as error:
                yield ListRow(number, problem=_not_csv(error))
            else:
                yield _row_of(number, self.header, cells)


def _row_of(number: int, header: list[str], cells: list[str]) -> ListRow:
    if len(cells) == len(header):
        return ListRow(number, dict(zip(header, cells, strict=True)))
    problem = f"has {len(cells)} fields; the header has {len(header)}"
    return ListRow(number, problem=problem if cells else BLANK)


def _cells(line: str) -> list[str] | str:
    """Return the cells of a line, or why it is not CSV."""
    try:
        (cells,) = csv.reader([line], strict=True)
    except csv.Error as error:
        return _not_csv(error)
    return cells


def _not_csv(error: csv.Error) -> str:
    return f"is not CSV: {error}"


def _text_row(number: int, line: str) -> ListRow:
    url, _, destination = line.rstrip("\r\n").partition("\t")
    return ListRow(number, {"url": url, "destination": destination})


def _json_row(number: int, line: str) -> ListRow:
    try:
        fields = _decode(line)
    except (ValueError, RecursionError) as error:
        return ListRow(number, problem=f"is not a JSON object: {error}")
    if isinstance(fields, dict):
        return ListRow(number, fields)
    return ListRow(number, problem=f"is not a JSON object: {type(fields).__name__}")


def problem_with_types(fields: Mapping[str, Any]) -> str:
    """Explain which field is not text; empty: all are."""
    for name in TEXTS:
        value = fields.get(name)
        if value is not None and not isinstance(value, str):
            return f"{name} is a {type(value).__name__}; it must be text"
    return ""


def problem_to_fetch(fields: Mapping[str, Any], *, allow_s3: bool = False) -> str:
    """Explain why the file that a row names cannot be fetched; empty: it can."""
    if problem := problem_with_types(fields):
        return problem
    url, digest = fields.get("url") or "", fields.get("sha256") or ""
    try:
        if url.startswith(SCHEME):
            if not allow_s3:
                return _NOT_HERE
            place_of(url)
        elif not guard.plain_host(url):
            guard.check_url(url)
    except guard.BadUrlError as error:
        return str(error)
    if digest and not _is_sha256(digest):
        return f"sha256 is {digest[:80]!r}; it must be {_SHA256_DIGITS} hex digits"
    return ""


def _is_sha256(text: str) -> bool:
    return len(text) == _SHA256_DIGITS and set(text.lower()) <= _HEX_DIGITS
