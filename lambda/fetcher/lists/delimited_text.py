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

from fetcher.contract.carried_columns import LONGEST_TOLD
from fetcher.lists.columns import Rows, as_objects, told_apart
from fetcher.lists.files.decoded_lines import TOO_LONG, Text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from fetcher.lists.columns import Columns
    from fetcher.lists.files.inputs import Input

csv.field_size_limit(LONGEST_TOLD)
_AT_ONCE = 512  # rows
_MOST_LINES = 100  # of a cell in quotes; more, and the quote was never closed
_SHORTEST_URL = len("http://h")
_OPENING = f'{TOO_LONG}"\n'  # if a record begins with it: a cell goes on


class _Lines:
    """Lines of a table, those of one record kept: they may have to be read again."""

    def __init__(self, file: Text) -> None:
        self._file = file
        self.ahead: deque[str] = deque()
        self.taken: list[str] = []

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        if len(self.taken) == _MOST_LINES:
            msg = "a quote is not closed"
            raise csv.Error(msg)
        line = self.ahead.popleft() if self.ahead else self._file.line()
        if not line:
            raise StopIteration
        if not self.taken and line == _OPENING:
            line = f'"{TOO_LONG}\n'
        self.taken.append(line)
        return line

    def block(self) -> str:
        """
        Return many lines; they are whole records, if quotes in them stand for cells.

        Only a block that has no other line ends is split at carriage returns. Empty: it
        is the end, or lines were read ahead.
        """
        text = "" if self.ahead else self._file.block()
        if text.count('"') % 2:
            for line in islice(iter(self._file.line, ""), _MOST_LINES):
                text += line
                if line.count('"') % 2:
                    break
        return text if "\n" in text else text.replace("\r", "\n")

    def put_back(self) -> None:
        """Have the lines of the record come again."""
        self.ahead.extendleft(reversed(self.taken))
        self.taken.clear()

    def put_back_all_but_first(self) -> str:
        """Return the first line of the record, and have the others come again."""
        first, *others = self.taken
        self.ahead.extendleft(reversed(others))
        self.taken[1:] = []
        return first


class Table:
    """Rows of a CSV or TSV file: a record that is broken costs its first line only."""

    def __init__(self, given: Input, delimiter: str, columns: Columns) -> None:
        self._given = given
        self._lines = _Lines(Text(given.start, given.rest, translate=False))
        self._delimiter = delimiter
        self._width = 0
        self._records = self._read()
        self._places = self._found(columns, given.name)

    def _found(self, columns: Columns, of: str) -> tuple[int, int, int]:
        """Return the positions of URL, name and digest, the last two -1 if absent."""
        first, _ = next(self._records, ([], ""))
        self._width = len(first)
        self._names = told_apart(first)
        if not columns.found_in(first) and any("://" in cell for cell in first):
            self._lines.put_back()  # it is a row
            self._names = [f"column_{at}" for at in range(1, len(first) + 1)]
            if not columns.url:
                place = next(at for at, cell in enumerate(first) if "://" in cell)
                self._names[place] = "url"
        names = columns.found_in(self._names)
        if not first:  # a part without rows
            return -1, -1, -1
        if names is None:
            raise columns.missing(self._names, of)
        url, name, sha256 = (self._names.index(one) if one else -1 for one in names)
        return url, name, sha256

    def rows(self) -> Iterator[Rows]:
        """Yield them."""
        self._others = [at for at in range(self._width) if at not in self._places]
        while True:
            text = self._lines.block()
            if columns := self._at_once(text):
                yield self._told(columns, {})
                continue
            self._lines.ahead.extend(io.StringIO(text, newline=""))
            some = []
            for record in self._records:
                some.append(record)
                if len(some) == _AT_ONCE or not self._lines.ahead:
                    break  # a program may take its time for more
            if not some:
                return
            problems = {n: problem for n, (_, problem) in enumerate(some) if problem}
            rows = [cells for cells, _ in some]
            for n in problems:  # all of it stands for its URL
                (plain,), rows[n] = rows[n], [""] * self._width
                rows[n][self._places[0]] = plain
            yield self._told(list(zip(*rows, strict=True)), problems)

    def _at_once(self, text: str) -> list[Sequence[str]]:
        """Return the columns of lines with nothing odd in them; none: some may be."""
        if text.startswith("#") or "\n#" in text or TOO_LONG in text:
            return []
        columns, blank = self._quoted(text) if '"' in text else self._plain(text)
        if not columns:
            return []
        urls = columns[self._places[0]]
        if min(map(len, map(str.strip, urls))) < _SHORTEST_URL:
            return []
        self._given.skipped += blank
        return columns

    def _plain(self, text: str) -> tuple[list[Sequence[str]], int]:
        """Return the columns of lines without quotes, and how many are blank."""
        text = text.replace("\r\n", "\n").removesuffix("\n")
        if "\r" in text:  # line ends of two kinds
            return [], 0
        lines = text.split("\n")
        blank = lines.count("")
        if blank:
            text = "\n".join(filter(None, lines))
        # All at once: after each line's last cell comes one that is a line feed.
        delimiter, step = self._delimiter, self._width + 1
        cells = text.replace("\n", f"{delimiter}\n{delimiter}").split(delimiter)
        ends = len(lines) - blank - 1
        if len(cells) != ends * step + self._width or (
            cells[self._width :: step] != ["\n"] * ends
        ):
            return [], 0
        return [cells[at::step] for at in range(self._width)], blank

    def _quoted(self, text: str) -> tuple[list[Sequence[str]], int]:
        """Return the same for lines that have quotes; a blank one is no cells."""
        lines = io.StringIO(text, newline="\n")
        reader = csv.reader(lines, delimiter=self._delimiter, strict=True)
        try:
            rows = list(reader)
        except csv.Error:
            return [], 0
        more = reader.line_num - len(rows)
        if more >= _MOST_LINES:  # a quote may lack its end
            return [], 0
        if more and self._delimiter == "\t":  # a quote may be only a character
            between = sum(map(len, rows)) - len(rows)
            if not between or between != text.count("\t"):  # rows may be in a cell
                return [], 0
        blank = rows.count([])
        if blank:
            rows = list(filter(None, rows))
        if set(map(len, rows)) != {self._width}:
            return [], 0
        return list(zip(*rows, strict=True)), blank

    def _told(self, cells: Sequence[Sequence[str]], problems: dict[int, str]) -> Rows:
        """Return rows, whose columns these are."""
        url, name, sha256 = self._places
        names = [self._names[at] for at in self._others]
        return Rows(
            cells[url],
            cells[name] if name >= 0 else (),
            cells[sha256] if sha256 >= 0 else (),
            as_objects(names, [map(quoted, cells[at]) for at in self._others]),
            problems,
        )

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
                is_blank = not any(map(str.strip, lines.taken))
                problem = "is blank" if is_blank else self._problem_with(cells)
                if not problem:
                    yield cells, ""
                    continue
                if problem == TOO_LONG:
                    yield [lines.taken[0].strip()], problem
                    continue
            if not lines.taken:
                return
            plain = lines.put_back_all_but_first().rstrip("\r\n")
            reader = csv.reader(lines, delimiter=delimiter, strict=True)
            cells = self._cells_in(plain)
            if not plain.strip() or self._is_comment(plain, cells):
                self._given.skipped += 1
            elif cells:
                yield cells, ""
            else:
                yield [plain], problem

    def _problem_with(self, cells: list[str]) -> str:
        """Return why a record that was just read is not a row; empty: it is."""
        taken = self._lines.taken
        if not self._width and cells:
            return "is a comment" if cells[0][:1] == "#" else ""
        if any(TOO_LONG in line for line in taken):
            return TOO_LONG
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
