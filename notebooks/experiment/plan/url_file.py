"""A file of URLs, read as it is needed: every line of it is a row of the run."""

from __future__ import annotations

import os
from array import array
from bisect import bisect_right
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from experiment.number_set import ENDLESS
from experiment.parameters.cell import check_no_credentials
from fetcher.lists.lines import (
    Block,
    CsvParser,
    Problems,
    UrlListError,
    blocks,
    lines_of,
    parse_text,
    parser_for,
)
from fetcher.lists.url_list import UrlList
from fetcher.security.masking import has_credentials, masked, masked_in

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path
    from typing import BinaryIO


CHECKED_FIRST_BYTES = 4_000_000  # half a second's work
_TEXTS = ("url", "destination", "sha256")
_NOT_SIMPLE = ("\t", "@", "\n\n")  # in lines that may be more, or less, than a URL
_MOST_SHOWN = 200  # characters of a line that holds no URL


class LineBlock(NamedTuple):
    """
    Some consecutive lines, a column a field.

    Attributes:
        first: The number of the first.

        urls: One a line.

        destinations, sha256s: Likewise, empty where there is none.

        sizes: In bytes; 0: unknown. Of a list that tells none: no sizes.

        wrong: Why some hold no URL, by number; of lines around these, too.
    """

    first: int
    urls: Sequence[str]
    destinations: Sequence[str]
    sha256s: Sequence[str]
    sizes: Sequence[int]
    wrong: Mapping[int, str] = MappingProxyType({})

    def cut(self, start: int, end: int) -> LineBlock:
        """Return those from one position to another."""
        return LineBlock(
            self.first + start,
            self.urls[start:end],
            self.destinations[start:end],
            self.sha256s[start:end],
            self.sizes[start:end],
            self.wrong,
        )


class _Wrongs(Problems):
    """What is wrong with lines, all of it: there are few in a block."""

    def __init__(self) -> None:
        super().__init__("")
        self.by_line: dict[int, str] = {}

    def add(self, line: int, wrong: str) -> None:
        self.by_line[line] = wrong


class UrlFile:
    """
    A file of URLs, as `fetcher.lists.url_list.UrlList` takes them, however long.

    A short one is checked whole before anything is fetched. A longer one is read as it
    goes, and never held: its lines are numbered as they stand there, a line without a
    URL becomes a `bad_url`, and a URL that stands there twice is fetched twice; where
    it names destinations, `experiment.plan.name_clashes` has a look at it first.

    Args:
        path: The file.

        allow_s3: Whether ``s3://bucket/key`` is a URL, too.

    Attributes:
        path: The file.

        many: How many lines there are; None: not known before the last was read.

        about: The same, estimated if need be.

        tells_sizes: Whether it has a column ``bytes``.

    Raises:
        UrlListError: If a short list has lines that are wrong, or a long one holds no
            URLs where it begins.

        SettingsError: If a short one holds a password.

        OSError: If it cannot be read.
    """

    def __init__(self, path: Path, *, allow_s3: bool = False) -> None:
        self.path = path
        self.many: int | None = None
        self._size = path.stat().st_size
        if self._size <= CHECKED_FIRST_BYTES or not path.is_file():
            self.many = _checked(path, allow_s3=allow_s3)
        self._parse = parser_for(path)
        self._headers = int(isinstance(self._parse, CsvParser))
        self._starts = array("Q", [0])  # of each block: where it is in the file
        self._lines = array("Q", [0])  # and how many lines are before it
        beginning = self._beginning()
        self.tells_sizes = any(beginning.sizes)
        self.about = self.many or self._estimate()

    def _beginning(self) -> LineBlock:
        with self.path.open("rb") as file:
            block = next(blocks(file))
        if not any(True for _ in self._parse(lines_of(block, None), None)):
            msg = f"{self.path} holds no URL in its first {block.many:,} lines."
            raise UrlListError(msg)
        self._note(block)
        return self._lines_in(block)

    def _estimate(self) -> int:
        about = round(self._size * self._lines[1] / self._starts[1])
        return max(1, about - self._headers)

    def count(self) -> int:
        """Return how many lines there are, read to the end if that is not known."""
        if self.many is None:
            for _ in self.lines([(ENDLESS - 1, 1)]):
                pass
        assert self.many is not None
        return self.many

    def lines(self, spans: Iterable[tuple[int, int]]) -> Iterator[LineBlock]:
        """
        Yield the lines of some spans, those of one block at a time, up to the end.

        Args:
            spans: Number of the first, and how many; ascending, asked for one by one.

        Raises:
            UrlListError: If the file is not what it was.
        """
        held = LineBlock(0, (), (), (), ())
        with self.path.open("rb") as file:
            if os.fstat(file.fileno()).st_size != self._size:
                msg = f"{self.path} changed while its URLs were fetched."
                raise UrlListError(msg)
            file.seek(self._starts[-1])
            scan = blocks(file, self._starts[-1], self._lines[-1] + 1)
            for start, many in spans:
                at, end = start, start + many
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
        """Return the block with a line, counted from 0; None: there is no such line."""
        if line < self._lines[-1]:
            index = bisect_right(self._lines, line) - 1
            start, before = self._starts[index], self._lines[index]
            data = os.pread(file.fileno(), self._starts[index + 1] - start, start)
            return Block(start, before + 1, self._lines[index + 1] - before, data)
        for block in scan:
            self._note(block)
            if line < self._lines[-1]:
                return block
        self.many = self.about = self._lines[-1] - self._headers
        return None

    def _note(self, block: Block) -> None:
        """Keep where a block is, unless that is known."""
        if block.start == self._starts[-1]:
            self._starts.append(block.start + len(block.data) + block.skipped)
            self._lines.append(self._lines[-1] + block.many)

    def _lines_in(self, block: Block) -> LineBlock:
        first = block.line - 1 - self._headers
        plain = block.plain_text if self._parse is parse_text else ""
        odd = plain[:1] == "\n" or any(sign in plain for sign in _NOT_SIMPLE)
        if plain and not odd:
            return LineBlock(first, plain.removesuffix("\n").split("\n"), (), (), ())
        raw = block.data.split(b"\n")
        wrongs = _Wrongs()
        fields = dict(self._parse(lines_of(block, wrongs), wrongs))
        rows = [
            _row(line, raw[line - block.line], fields.get(line), wrongs)
            for line in range(block.line, block.line + block.many)
        ]
        columns = (one if any(one) else () for one in zip(*rows, strict=True))
        urls, destinations, sha256s, sizes = columns
        wrong = {line - 1 - self._headers: why for line, why in wrongs.by_line.items()}
        return LineBlock(first, urls, destinations, sha256s, sizes, wrong)


def _checked(path: Path, *, allow_s3: bool) -> int:
    """Return how many lines a list has, all of them right."""
    urls = UrlList(path, allow_s3=allow_s3)
    for item in urls:
        check_no_credentials("url_list", item.url)
    return len(urls)


def _row(
    line: int, raw: bytes, fields: dict[str, Any] | None, wrongs: _Wrongs
) -> tuple[str, str, str, int]:
    """Return URL, destination, digest and size, or what certainly is no URL."""
    wrong = "" if fields is None else _wrong_with(fields)
    if fields is None or wrong:
        if wrong:
            wrongs.add(line, wrong)
        text = masked_in(raw.decode(errors="replace").strip())[:_MOST_SHOWN]
        return f"line {line}: {text}", "", "", 0
    url, destination, sha256 = (fields.get(name) or "" for name in _TEXTS)
    if has_credentials(url):
        url = masked(url).partition("//")[2]  # results are kept, and shown to others
        wrongs.add(line, "The URL holds a user name or password.")
    return url, destination, sha256, _bytes(fields.get("bytes"))


def _wrong_with(fields: dict[str, Any]) -> str:
    """Say why files cannot hold what a line tells; nothing if they can."""
    if not fields.get("url"):
        return "names no URL"
    for name in _TEXTS:
        text = fields.get(name) or ""
        if not isinstance(text, str):
            return f"{name} is a {type(text).__name__}; it must be text"
        if not text.isascii():
            try:
                text.encode()
            except UnicodeEncodeError:
                return f"{name} holds half a surrogate pair, which UTF-8 cannot spell"
    return ""


def _bytes(told: object) -> int:
    try:
        return max(0, int(str(told)))
    except ValueError:
        return 0
