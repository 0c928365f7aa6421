"""File of URLs, read as needed; every line of it is a row of the run."""

from __future__ import annotations

import os
from array import array
from bisect import bisect_right
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from experiment.ledger.number_set import ENDLESS
from experiment.parameters.cell import check_no_credentials
from fetcher.lists.lines import Block, UrlListError, blocks
from fetcher.lists.rows import TEXTS, RowReader, problem_with_types
from fetcher.lists.url_list import UrlList
from fetcher.security.masking import has_credentials, masked, masked_in

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path
    from typing import BinaryIO

    from fetcher.lists.rows import ListRow


CHECKED_FIRST_BYTES = 4_000_000  # half a second's work
_NOT_SIMPLE = ("\t", "@", "\n\n")  # in lines that may be more, or less, than a URL
_MOST_SHOWN = 200  # characters of a line that holds no URL


class LineBlock(NamedTuple):
    """
    Consecutive lines, in columns.

    Attributes:
        first: The number of the first.

        urls: One a line.

        destinations, sha256s: Likewise, empty where there is none.

        sizes: In bytes; 0: unknown. Of a list that tells none: no sizes.

        problems: Why some hold no URL, by number; of nearby lines, too.
    """

    first: int
    urls: Sequence[str]
    destinations: Sequence[str]
    sha256s: Sequence[str]
    sizes: Sequence[int]
    problems: Mapping[int, str] = MappingProxyType({})

    def cut(self, start: int, end: int) -> LineBlock:
        """Return those from one position to another."""
        return LineBlock(
            self.first + start,
            self.urls[start:end],
            self.destinations[start:end],
            self.sha256s[start:end],
            self.sizes[start:end],
            self.problems,
        )


class UrlFile:
    """
    A file of URLs, as `fetcher.lists.url_list.UrlList` takes them, however long.

    A short one is checked whole before anything is fetched. A longer one is read as
    needed, and never held: its lines are numbered in order, one without a URL becomes
    a `bad_url`, and a URL listed twice is fetched twice; where it names destinations,
    `experiment.plan.name_clashes` searches it first.

    Args:
        path: The file.

        allow_s3: Whether ``s3://bucket/key`` is a URL, too.

    Attributes:
        path: The file.

        known_count: How many lines there are; None: unknown until the last is read.

        estimated_count: The same, estimated if need be.

        tells_sizes: Whether it has a column ``bytes``.

    Raises:
        UrlListError: If a short list has lines that are wrong, or a long one holds no
            URLs where it begins.

        SettingsError: If a short one holds a password.

        OSError: If it cannot be read.
    """

    def __init__(self, path: Path, *, allow_s3: bool = False) -> None:
        self.path = path
        self.known_count: int | None = None
        self._size = path.stat().st_size
        if self._size <= CHECKED_FIRST_BYTES or not path.is_file():
            self.known_count = _checked(path, allow_s3=allow_s3)
        self._reader = RowReader.of(path)
        self._headers = int(self._reader.is_csv)
        self._starts = array("Q", [0])  # of each block: where it is in the file
        self._lines = array("Q", [0])  # and how many lines are before it
        beginning = self._beginning()
        self.tells_sizes = any(beginning.sizes)
        self.estimated_count = self.known_count or self._estimate()

    def _beginning(self) -> LineBlock:
        with self.path.open("rb") as file:
            block = next(blocks(file))
        if all(row.problem for row in self._reader.rows_in(block)):
            msg = f"{self.path} holds no URL in its first {block.line_count:,} lines."
            raise UrlListError(msg)
        self._note(block)
        return self._lines_in(block)

    def _estimate(self) -> int:
        about = round(self._size * self._lines[1] / self._starts[1])
        return max(1, about - self._headers)

    def exact_count(self) -> int:
        """Return how many lines there are, after reading to the end if need be."""
        if self.known_count is None:
            for _ in self.lines([(ENDLESS - 1, 1)]):
                pass
        assert self.known_count is not None
        return self.known_count

    def lines(self, spans: Iterable[tuple[int, int]]) -> Iterator[LineBlock]:
        """
        Yield the lines of some spans, those of one block at a time, up to the end.

        Args:
            spans: Number of the first, and how many; ascending, asked for one by one.

        Raises:
            UrlListError: If the file has changed.
        """
        held = LineBlock(0, (), (), (), ())
        with self.path.open("rb") as file:
            if os.fstat(file.fileno()).st_size != self._size:
                msg = f"{self.path} changed while its URLs were fetched."
                raise UrlListError(msg)
            file.seek(self._starts[-1])
            scan = blocks(file, self._starts[-1], self._lines[-1] + 1)
            for start, count in spans:
                at, end = start, start + count
                while at < end:
                    if not held.first <= at < held.first + len(held.urls):
                        block = self._block_with(file, scan, at + self._headers)
                        if block is None:
                            return
                        held = self._lines_in(block)
                    piece = held.cut(at - held.first, end - held.first)
                    yield piece
                    at += len(piece.urls)

    def _block_with(
        self, file: BinaryIO, scan: Iterator[Block], line: int
    ) -> Block | None:
        """Return the block with a line, counted from 0; None: it is past the end."""
        if line < self._lines[-1]:
            index = bisect_right(self._lines, line) - 1
            start, before = self._starts[index], self._lines[index]
            data = os.pread(file.fileno(), self._starts[index + 1] - start, start)
            return Block(start, before + 1, self._lines[index + 1] - before, data)
        for block in scan:
            self._note(block)
            if line < self._lines[-1]:
                return block
        self.known_count = self.estimated_count = self._lines[-1] - self._headers
        return None

    def _note(self, block: Block) -> None:
        """Note where a block is, unless that is known."""
        if block.start == self._starts[-1]:
            self._starts.append(block.start + len(block.data) + block.skipped)
            self._lines.append(self._lines[-1] + block.line_count)

    def _lines_in(self, block: Block) -> LineBlock:
        text = block.plain_text if self._reader.is_text else ""
        if text and text[0] != "\n" and not any(sign in text for sign in _NOT_SIMPLE):
            lines = text.removesuffix("\n").split("\n")
            return LineBlock(block.line - 1, lines, (), (), ())
        raw = block.data.split(b"\n")
        rows, problems = [], {}
        for row in self._reader.rows_in(block):
            number = row.number - 1 - self._headers
            columns, problem = _columns(row, raw[row.number - block.line])
            rows.append(columns)
            if problem:
                problems[number] = problem
        first = max(0, block.line - 1 - self._headers)
        urls, destinations, sha256s, sizes = (
            column if any(column) else () for column in zip(*rows, strict=True)
        )
        return LineBlock(first, urls, destinations, sha256s, sizes, problems)


def _checked(path: Path, *, allow_s3: bool) -> int:
    """Return how many lines a list has, once all are checked."""
    urls = UrlList(path, allow_s3=allow_s3)
    for item in urls:
        check_no_credentials("url_list", item.url)
    return len(urls)


def _columns(row: ListRow, raw: bytes) -> tuple[tuple[str, str, str, int], str]:
    """
    Return URL, destination, digest and size; and the problem with the line, if any.

    In place of a URL that cannot be carried stands what certainly is none.
    """
    if problem := row.problem or _problem_with(row.fields):
        text = masked_in(raw.decode(errors="replace").strip())[:_MOST_SHOWN]
        return (f"line {row.number}: {text}", "", "", 0), problem
    url, destination, sha256 = (row.fields.get(name) or "" for name in TEXTS)
    if has_credentials(url):
        url = masked(url).partition("//")[2]  # results are kept, and shown to others
        problem = "The URL holds a user name or password."
    return (url, destination, sha256, _bytes(row.fields.get("bytes"))), problem


def _problem_with(fields: Mapping[str, Any]) -> str:
    """Explain why a row's texts cannot be carried; empty: they can."""
    if not fields.get("url"):
        return "names no URL"
    if problem := problem_with_types(fields):
        return problem
    for name in TEXTS:
        text = fields.get(name) or ""
        if not text.isascii():
            try:
                text.encode()
            except UnicodeEncodeError:
                return f"{name} holds half a surrogate pair, which UTF-8 cannot spell"
    return ""


def _bytes(size: object) -> int:
    try:
        return max(0, int(str(size)))
    except ValueError:
        return 0
