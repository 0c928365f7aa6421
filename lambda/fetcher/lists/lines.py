"""Lines of a list, read block by block; and the problems found in them."""

from __future__ import annotations

from bisect import insort
from io import BytesIO
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import BinaryIO

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
MAX_LINE = 65_536  # bytes: far above any URL, destination and digest together
BLANK = "is blank; remove it"
_BLOCK = 32_768  # bytes
_PROBLEMS_SHOWN = 10


class UrlListError(ValueError):
    """The list cannot be used; says which lines and why."""


class Problems:
    """
    Problems of a list, collected so that one look at them mends it all.

    Args:
        name: The list's.

        unit: What its numbers count.

    Attributes:
        count: How many there are.

    >>> problems = Problems("urls.txt")
    >>> problems.add(3, "is blank; remove it")
    >>> problems.raise_if_any()
    Traceback (most recent call last):
    fetcher.lists.lines.UrlListError: urls.txt: 1 problem; nothing was fetched.
      line 3: is blank; remove it
    """

    def __init__(self, name: Path | str, unit: str = "line") -> None:
        self._name = name
        self.unit = unit
        self.count = 0
        self._first: list[tuple[int, str]] = []

    def add(self, number: int, problem: str) -> None:
        """Note the problem of a line; the first ones will be shown."""
        self.count += 1
        insort(self._first, (number, problem))
        del self._first[_PROBLEMS_SHOWN:]

    def first(self) -> str:
        """Return the first problems, a line each."""
        lines = [f"  {self.unit} {number:,}: {text}" for number, text in self._first]
        if more := self.count - len(self._first):
            lines.append(f"  ... and {more:,} more")
        return "\n".join(lines)

    def raise_if_any(self) -> None:
        """Raise `UrlListError` if any were noted."""
        if self.count:
            problems = "problem" if self.count == 1 else "problems"
            msg = (
                f"{self._name}: {self.count:,} {problems}; nothing was fetched.\n"
                f"{self.first()}"
            )
            raise UrlListError(msg)


class Block(NamedTuple):
    """
    Consecutive whole lines of a file.

    Attributes:
        start: Offset of the first, in bytes.

        line: Number of the first, from 1.

        line_count: How many there are.

        data: The lines.

        skipped: Bytes left out of the last line because it is too long.
    """

    start: int
    line: int
    line_count: int
    data: bytes
    skipped: int = 0

    @property
    def end(self) -> int:
        """Offset of what follows, in bytes."""
        return self.start + len(self.data) + self.skipped

    @property
    def plain_text(self) -> str:
        """The lines, each ended with a line feed only, if all is ASCII; else empty."""
        data = self.data.replace(b"\r\n", b"\n") if b"\r" in self.data else self.data
        return "" if b"\r" in data or not data.isascii() else data.decode("ascii")

    def lines(self) -> Iterator[tuple[int, str, str]]:
        """Yield each line's number and text, or, instead of that, its problem."""
        data = self.data if self.start else self.data.removeprefix(BYTE_ORDER_MARK)
        for number, raw in enumerate(BytesIO(data), self.line):
            length = len(raw) + (0 if raw.endswith(b"\n") else self.skipped)
            if length > MAX_LINE:
                problem = f"is {length:,} bytes long; at most {MAX_LINE:,} are read"
            elif not raw.strip():
                problem = BLANK
            else:
                try:
                    yield number, raw.decode(), ""
                    continue
                except UnicodeDecodeError as error:
                    problem = f"is not UTF-8: {error.reason} at byte {error.start + 1}"
            yield number, "", problem


def blocks(file: BinaryIO, start: int = 0, line: int = 1) -> Iterator[Block]:
    """
    Yield a file block by block.

    Args:
        file: At the beginning of a line.

        start: Where that is, in bytes.

        line: The line's number.
    """
    while data := file.read(_BLOCK):
        skipped = 0
        if not data.endswith(b"\n"):
            rest = file.readline(MAX_LINE + 1)
            data += rest
            if len(rest) > MAX_LINE and not rest.endswith(b"\n"):
                skipped = _skip_line(file)
        count = data.count(b"\n") + (not data.endswith(b"\n"))
        block = Block(start, line, count, data, skipped)
        yield block
        start = block.end
        line += count


def _skip_line(file: BinaryIO) -> int:
    skipped = 0
    while raw := file.readline(MAX_LINE):
        skipped += len(raw)
        if raw.endswith(b"\n"):
            break
    return skipped
