"""
Rows of a CSV or TSV file.

Its first line names the columns, or else is a row that has a URL. Lines that `#` begins
are comments, unless they are rows whose first cell is not the URL: captions begin so.
"""

from __future__ import annotations

import csv
import io
from collections import deque
from itertools import islice
from json.encoder import encode_basestring_ascii as quoted
from typing import TYPE_CHECKING

from fetcher.contract.carried import LONGEST_TOLD
from fetcher.lists.columns import Rows, carrier
from fetcher.lists.inputs import block_of, line_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import TextIO

    from fetcher.lists.columns import Columns, Notes
    from fetcher.lists.inputs import Input

csv.field_size_limit(LONGEST_TOLD)
_AT_ONCE = 512  # rows
_MOST_LINES = 100  # of a cell in quotes; more, and the quote was never closed


class _Lines:
    """Lines of a table, those of one record kept: they may have to be read again."""

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self.ahead: deque[str] = deque()
        self.taken: list[str] = []

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        if len(self.taken) == _MOST_LINES:
            msg = "a quote is not closed"
            raise csv.Error(msg)
        line = self.ahead.popleft() if self.ahead else line_of(self._file)
        if not line:
            raise StopIteration
        self.taken.append(line)
        return line

    def plain_block(self) -> list[str]:
        """
        Return many lines without their ends, if no cell in them is quoted.

        Only a block that has no other line ends is split at carriage returns.

        If one is, or lines were read ahead, there are none; the iterator has them.
        """
        text = "" if self.ahead else block_of(self._file)
        if "\n" not in text:
            text = text.replace("\r", "\n")
        if text and '"' not in text:
            return text.replace("\r\n", "\n").removesuffix("\n").split("\n")
        self.ahead.extend(io.StringIO(text, newline="\n"))
        return []

    def put_back_all_but_one(self) -> str:
        """Return the first line of the record, and have the others come again."""
        first, *others = self.taken
        self.ahead.extendleft(reversed(others))
        self.taken = []
        return first


class Table:
    """Rows of a CSV or TSV file: a record that is broken costs its first line only."""

    def __init__(
        self, given: Input, delimiter: str, columns: Columns, notes: Notes
    ) -> None:
        self._lines = _Lines(given.text(newline=""))
        self._delimiter = delimiter
        self._notes = notes
        self._width = 0
        self._first: list[str] = []  # row, if it names no columns
        self._records = self._read()
        self._places = self._found(columns, given.name)

    def _found(self, columns: Columns, of: str) -> tuple[int, int, int]:
        """Return the positions of URL, name and digest, the last two -1 if absent."""
        first, _ = next(self._records, ([], ""))
        self._width = len(first)
        self._names = list(first)
        if not columns.found_in(first) and any("://" in cell for cell in first):
            self._first = first
            self._names = [f"column_{at}" for at in range(1, len(first) + 1)]
            if not columns.url:
                place = next(at for at, cell in enumerate(first) if "://" in cell)
                self._names[place] = "url"
        names = columns.found_in(self._names)
        if names is None:
            raise columns.missing(self._names, of)
        url, name, sha256 = (self._names.index(one) if one else -1 for one in names)
        return url, name, sha256

    def rows(self) -> Iterator[Rows]:
        """Yield them."""
        others = [at for at in range(self._width) if at not in self._places]
        self._others = others
        self._carried = carrier([self._names[at] for at in others])
        if self._first:
            yield self._in_columns([self._first], {})
        while True:
            every = self._lines.plain_block()
            lines = [line for line in every if line.strip()]
            self._notes.skipped += len(every) - len(lines)
            cells = [line.split(self._delimiter) for line in lines]
            is_plain = cells and {len(row) for row in cells} == {self._width}
            if is_plain and not any(line[0] == "#" for line in lines):
                yield self._in_columns(cells, {})
                continue
            self._lines.ahead.extend(f"{line}\n" for line in lines)
            some = list(islice(self._records, _AT_ONCE))
            if not some:
                return
            problems = {n: problem for n, (_, problem) in enumerate(some) if problem}
            yield self._in_columns([self._padded(*one) for one in some], problems)

    def _in_columns(self, rows: list[list[str]], problems: dict[int, str]) -> Rows:
        cells = list(zip(*rows, strict=True))
        url, name, sha256 = self._places
        others = [map(quoted, cells[at]) for at in self._others]
        return Rows(
            cells[url],
            cells[name] if name >= 0 else (),
            cells[sha256] if sha256 >= 0 else (),
            self._carried(others) if others else (),
            problems,
        )

    def _padded(self, cells: list[str], problem: str) -> list[str]:
        """Return as many cells as there are names; of a bad record, all is its URL."""
        if not problem:
            return cells
        padded = [""] * self._width
        padded[self._places[0]] = cells[0]
        return padded

    def _read(self) -> Iterator[tuple[list[str], str]]:
        """Yield the cells of each record, and the problem with it, if any."""
        lines, delimiter = self._lines, self._delimiter
        reader = csv.reader(lines, delimiter=delimiter, strict=True)
        while True:
            lines.taken.clear()
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                problem = f"is not CSV: {error}"
            else:
                problem = self._problem_with(cells)
                if not problem:
                    yield cells, ""
                    continue
            if not lines.taken:
                return
            plain = lines.put_back_all_but_one().rstrip("\r\n")
            reader = csv.reader(lines, delimiter=delimiter, strict=True)
            cells = self._cells_in(plain)
            if not plain.strip() or self._is_comment(plain, cells):
                self._notes.skipped += 1
            elif cells:
                yield cells, ""
            else:
                yield [plain], problem

    def _problem_with(self, cells: list[str]) -> str:
        """Return why a record that was just read is not a row; empty: it is."""
        taken = self._lines.taken
        if not self._width and cells:
            return "is a comment" if cells[0][:1] == "#" else ""
        if not cells or len(cells) != self._width:
            return f"has {len(cells)} fields; the header has {self._width}"
        if self._is_comment(taken[0], cells):
            return "is a comment"
        if len(taken) > 1 and self._delimiter == "\t":  # no tab is in a cell's lines
            ends = map(self._cells_in, (taken[0], taken[-1]))
            if all(map(self._is_row, ends)):
                return "has a quote that is only a character"
        return ""

    def _cells_in(self, line: str) -> list[str]:
        """Return the cells of a line on its own; none: they are too few or many."""
        plain = line.rstrip("\r\n")
        for cells in (cells_of(plain, self._delimiter), plain.split(self._delimiter)):
            if len(cells) == self._width:
                return cells
        return []

    def _is_row(self, cells: list[str]) -> bool:
        return bool(cells) and "://" in cells[self._places[0]]

    def _is_comment(self, line: str, cells: list[str]) -> bool:
        """Tell whether a line is one, and no row whose first cell begins like one."""
        if not line.startswith("#"):
            return False
        return not (cells and self._places[0] and self._is_row(cells))


def cells_of(line: str, delimiter: str) -> list[str]:
    """Return the cells of one line, its quotes taken as they come."""
    try:
        return next(csv.reader([line], delimiter=delimiter), [])
    except csv.Error:
        return []
