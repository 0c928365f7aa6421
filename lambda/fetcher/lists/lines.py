"""What is in the lines of a list, whatever its format; read by the block, not held."""

from __future__ import annotations

import csv
import json
from bisect import insort
from io import BytesIO
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from typing import BinaryIO, TypeAlias

    Lines: TypeAlias = Iterator[tuple[int, str]]  # line number from 1, its text
    Rows: TypeAlias = Iterator[tuple[int, dict[str, Any]]]  # line number, fields
    Parser: TypeAlias = Callable[[Lines, "Problems | None"], Rows]

_BLOCK = 32_768  # bytes
_MAX_LINE = 65_536  # bytes: far above any URL, destination and digest together
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_PROBLEMS_NAMED = 10


class UrlListError(ValueError):
    """The list cannot be used; says which lines and why."""


class Problems:
    """
    What is wrong with a list, gathered so that one look mends it all.

    Args:
        name: The list's.

        unit: What is counted in it.

    Attributes:
        many: How many there are.
    """

    def __init__(self, name: Path | str, unit: str = "line") -> None:
        self._name = name
        self.unit = unit
        self.many = 0
        self._first: list[tuple[int, str]] = []

    def add(self, line: int, wrong: str) -> None:
        """Note what is wrong with a line; the first ones will be named."""
        self.many += 1
        insort(self._first, (line, wrong))
        del self._first[_PROBLEMS_NAMED:]

    def named(self) -> str:
        """Return the first ones, a line each."""
        more = self.many - len(self._first)
        rest = f"\n  ... and {more:,} more" if more else ""
        return (
            "\n".join(f"  {self.unit} {line:,}: {wrong}" for line, wrong in self._first)
            + rest
        )

    def raise_if_any(self) -> None:
        """Raise `UrlListError` if anything was noted."""
        if not self.many:
            return
        problems = "problem" if self.many == 1 else "problems"
        msg = (
            f"{self._name}: {self.many:,} {problems}; nothing was fetched.\n"
            f"{self.named()}"
        )
        raise UrlListError(msg)


class Block(NamedTuple):
    """
    Some whole lines of a file.

    Attributes:
        start: Where they begin, in bytes.

        line: Number of the first, from 1.

        many: How many there are.

        data: The lines.

        skipped: Bytes left out of the last one because it is too long.
    """

    start: int
    line: int
    many: int
    data: bytes
    skipped: int = 0

    @property
    def plain_text(self) -> str:
        """The lines, each ended with a line feed only, if all is ASCII; else empty."""
        data = self.data.replace(b"\r\n", b"\n") if b"\r" in self.data else self.data
        return "" if b"\r" in data or not data.isascii() else data.decode("ascii")


def blocks(file: BinaryIO, start: int = 0, line: int = 1) -> Iterator[Block]:
    """
    Yield the file, block by block.

    Args:
        file: At the beginning of a line.

        start: Where that is, in bytes.

        line: The line's number.
    """
    while data := file.read(_BLOCK):
        skipped = 0
        if not data.endswith(b"\n"):
            rest = file.readline(_MAX_LINE + 1)
            data += rest
            if len(rest) > _MAX_LINE and not rest.endswith(b"\n"):
                skipped = _skip_line(file)
        many = data.count(b"\n") + (not data.endswith(b"\n"))
        yield Block(start, line, many, data, skipped)
        start += len(data) + skipped
        line += many


def _skip_line(file: BinaryIO) -> int:
    skipped = 0
    while raw := file.readline(_MAX_LINE):
        skipped += len(raw)
        if raw.endswith(b"\n"):
            break
    return skipped


def lines_of(block: Block, problems: Problems | None) -> Lines:
    """Yield numbered lines that are text; note the others, if notes are taken."""
    data = block.data if block.start else block.data.removeprefix(_BYTE_ORDER_MARK)
    for number, raw in enumerate(BytesIO(data), block.line):
        length = len(raw) + (0 if raw.endswith(b"\n") else block.skipped)
        if length > _MAX_LINE:
            wrong = f"is {length:,} bytes long; at most {_MAX_LINE:,} are read"
        elif not raw.strip():
            wrong = "is blank; remove it"
        else:
            try:
                yield number, raw.decode()
                continue
            except UnicodeDecodeError as error:
                wrong = f"is not UTF-8: {error.reason} at byte {error.start + 1}"
        if problems:
            problems.add(number, wrong)


def parse_text(lines: Lines, _problems: Problems | None) -> Rows:
    """Yield the fields of lines that hold a URL, or URL, TAB, destination."""
    for number, line in lines:
        url, _, destination = line.rstrip("\r\n").partition("\t")
        yield number, {"url": url, "destination": destination}


def parse_jsonl(lines: Lines, problems: Problems | None) -> Rows:
    """Yield the fields of lines that hold a JSON object each."""
    for number, line in lines:
        try:
            fields = json.loads(line)
        except (ValueError, RecursionError) as error:
            fields = error
        if isinstance(fields, dict):
            yield number, fields
        elif problems:
            found = fields if isinstance(fields, Exception) else type(fields).__name__
            problems.add(number, f"is not a JSON object: {found}")


class CsvParser:
    """Yields the fields of comma-separated lines; the first of the file names them."""

    def __init__(self) -> None:
        self._header: list[str] = []

    def __call__(self, lines: Lines, problems: Problems | None) -> Rows:
        """Parse the lines of one block."""
        for number, line in lines:
            try:
                (row,) = csv.reader([line], strict=True)
            except csv.Error as error:
                if problems:
                    problems.add(number, f"is not CSV: {error}")
                continue
            if number == 1:
                self._header = row
            if "url" not in self._header:
                if problems:
                    problems.add(1, "names no column url; the first line must")
                return
            if number == 1:
                continue
            if len(row) == len(self._header):
                yield number, dict(zip(self._header, row, strict=True))
            elif problems:
                wrong = f"has {len(row)} fields; the header has {len(self._header)}"
                problems.add(number, wrong)


def parser_for(path: Path) -> Parser:
    """Return what reads the format that the name's ending stands for."""
    suffix = path.suffix.lower()
    if suffix == ".csv":
        return CsvParser()
    return parse_jsonl if suffix == ".jsonl" else parse_text
