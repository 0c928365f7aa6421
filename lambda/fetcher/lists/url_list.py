"""URL lists that people write: checked whole, line by line, before any is fetched."""

from __future__ import annotations

import os
from array import array
from bisect import bisect_right
from itertools import chain
from typing import TYPE_CHECKING, Any

from fetcher.contract.source import Item
from fetcher.lists.file_names import plain_names
from fetcher.lists.lines import (
    Block,
    Problems,
    UrlListError,
    blocks,
    lines_of,
    parse_text,
    parser_for,
)
from fetcher.lists.name_clashes import Repeats, clashing, names_of
from fetcher.s3.urls import SCHEME, place_of
from fetcher.security import guard

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path
    from typing import BinaryIO

    from fetcher.lists.position_set import Positions

_SHA256_DIGITS = 64
_NOT_HERE = "s3:// is for runs on Lambda that name its buckets in `sources`"

__all__ = ["UrlList", "UrlListError"]


class UrlList:
    """
    A file of URLs: iterating yields `fetcher.contract.source.Item`, numbered from 0.

    Plain text holds one URL a line, or URL, TAB, destination. ``.csv`` and ``.jsonl``
    name their columns: ``url``, and if wanted ``destination`` and ``sha256``.

    The file is read several times, never held: to check every line, then to fetch.

    Args:
        path: The file, in UTF-8.

        allow_s3: Whether ``s3://bucket/key`` is a URL, too.

    Raises:
        UrlListError: If any line is blank, too long, not UTF-8, not a URL that can be
            fetched, or repeats the URL of another or the name it is stored under; or
            if it is no file that can be read twice.

        OSError: If the file cannot be read.
    """

    def __init__(self, path: Path, *, allow_s3: bool = False) -> None:
        if path.exists() and not path.is_file():
            msg = f"{path} is not a file; the list is read twice, so save it to one."
            raise UrlListError(msg)
        self._path = path
        self._allow_s3 = allow_s3
        self._parse = parser_for(path)
        self._many = 0
        self._starts = array("Q")  # of each block: where it is in the file
        self._firsts = array("Q")  # and the position of its first item
        self._check()

    def __len__(self) -> int:
        return self._many

    def __iter__(self) -> Iterator[Item]:
        return self.items_in([(0, self._many)])

    def items_in(
        self, spans: Iterable[tuple[int, int]], done: Positions | None = None
    ) -> Iterator[Item]:
        """
        Yield the items of some spans of the list.

        Args:
            spans: Position of the first item, and how many; asked for one by one.

            done: Positions to leave out, if there are any now.

        Raises:
            UrlListError: If the file is not what it was when it was checked.
        """
        pieces = self._pieces(spans)
        if done:
            pieces = (
                [item for item in piece if item.number not in done] for piece in pieces
            )
        return chain.from_iterable(pieces)

    def _pieces(self, spans: Iterable[tuple[int, int]]) -> Iterator[list[Item]]:
        held = -1
        items: list[Item] = []
        with self._path.open("rb") as file:
            for start, many in spans:
                at, end = start, start + many
                while at < end:
                    index = bisect_right(self._firsts, at) - 1
                    if index != held:
                        held, items = index, self._read(file, index)
                    first = self._firsts[index]
                    piece = items[at - first : end - first]
                    yield piece
                    at += len(piece)

    def _read(self, file: BinaryIO, index: int) -> list[Item]:
        """Return the items of one block; `UrlListError` if it has changed."""
        start, first = self._starts[index], self._firsts[index]
        many = self._firsts[index + 1] - first
        data = os.pread(file.fileno(), self._starts[index + 1] - start, start)
        line = 2 if start else 1  # not its number, but whether it may be a header
        items = self._items_of(Block(start, line, many, data), first)
        size = os.fstat(file.fileno()).st_size
        if len(items) != many or size != self._starts[-1]:
            msg = f"{self._path} changed while its URLs were fetched."
            raise UrlListError(msg)
        return items

    def _items_of(self, block: Block, first: int) -> list[Item]:
        if self._parse is parse_text and "\t" not in (text := block.plain_text or "\t"):
            urls = text.removesuffix("\n").split("\n")
            return list(map(Item, range(first, first + len(urls)), urls))
        rows = self._parse(lines_of(block, None), None)
        return [_item(number, row) for number, (_, row) in enumerate(rows, first)]

    def _check(self) -> None:
        problems = Problems(self._path)
        size = self._path.stat().st_size
        clashes = clashing(self._names(problems), lambda: self._again(problems), size)
        if clashes:
            self._tell(clashes, problems)
        if not (self._many or problems.many):
            problems.add(1, "there are no URLs in the file")
        problems.raise_if_any()

    def _again(self, problems: Problems) -> Iterator[list[str]]:
        # Wrong lines must be left out once more; who looks for none saves the time.
        return self._names(Problems(self._path) if problems.many else None)

    def _names(self, problems: Problems | None) -> Iterator[list[str]]:
        """Yield the names of all items, block by block, and note where blocks are."""
        many, starts, firsts = 0, array("Q"), array("Q")
        with self._path.open("rb") as file:
            for block in blocks(file):
                starts.append(block.start)
                firsts.append(many)
                items, names = self._names_in(block, problems)
                many += items
                yield names
            starts.append(file.tell())
            firsts.append(many)
        self._many, self._starts, self._firsts = many, starts, firsts

    def _names_in(
        self, block: Block, problems: Problems | None
    ) -> tuple[int, list[str]]:
        """Return how many items a block has, and what they are or could be called."""
        if self._parse is parse_text and (text := block.plain_text):
            plain = plain_names(text, block.many)
            if plain:
                return block.many, plain
        names = [names_of(item) for _, item in self._right_in(block, problems)]
        # Neighbours in a list share folders more often than what one line names.
        return len(names), list(chain([n[0] for n in names], *(n[1:] for n in names)))

    def _right_in(
        self, block: Block, problems: Problems | None
    ) -> Iterator[tuple[int, Item]]:
        """Yield line numbers and items; note the lines that are wrong."""
        for line, fields in self._parse(lines_of(block, problems), problems):
            wrong = problems and wrong_in(fields, allow_s3=self._allow_s3)
            if problems and wrong:
                problems.add(line, wrong)
            else:
                yield line, _item(0, fields)

    def _tell(self, clashes: set[int], problems: Problems) -> None:
        """Note the lines whose names clash."""
        repeats = Repeats(clashes)
        wrong_again = Problems(self._path)
        with self._path.open("rb") as file:
            for block in blocks(file):
                for line, item in self._right_in(block, wrong_again):
                    if wrong := repeats.check(item, line):
                        problems.add(line, wrong)


def _item(number: int, fields: dict[str, Any]) -> Item:
    return Item(
        number,
        fields["url"],
        fields.get("destination") or "",
        fields.get("sha256") or "",
    )


def wrong_in(fields: dict[str, Any], *, allow_s3: bool = False) -> str:
    """Say what is wrong with a line taken by itself; nothing if it is right."""
    for name in ("url", "destination", "sha256"):
        value = fields.get(name)
        if value is not None and not isinstance(value, str):
            return f"{name} is a {type(value).__name__}; it must be text"
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
    return len(text) == _SHA256_DIGITS and set(text.lower()) <= set("0123456789abcdef")
