"""Lists of URLs as people write them, checked whole before anything is fetched."""

from __future__ import annotations

import os
from array import array
from bisect import bisect_right
from itertools import chain
from typing import TYPE_CHECKING

from fetcher.contract.source import Item
from fetcher.lists.checked_rows import CheckedRows
from fetcher.lists.lines import Block, Problems, UrlListError
from fetcher.lists.rows import item_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path
    from typing import BinaryIO

    from fetcher.lists.position_set import Positions

__all__ = ["UrlList", "UrlListError"]


class UrlList:
    """
    A file of URLs: iterating yields `fetcher.contract.source.Item`, numbered from 0.

    Plain text holds one URL a line, or URL, TAB, destination. ``.csv`` and ``.jsonl``
    name their columns: ``url``, and optionally ``destination`` and ``sha256``.

    The file is read several times, never held: to check every line, then to fetch.

    Args:
        path: The file, in UTF-8.

        allow_s3: Whether ``s3://bucket/key`` is a URL, too.

    Raises:
        UrlListError: If any line is blank, too long, not UTF-8, not a URL that can be
            fetched, or repeats the URL of another or the name it is stored under; or
            if the path is no file that can be read twice.

        OSError: If the file cannot be read.
    """

    def __init__(self, path: Path, *, allow_s3: bool = False) -> None:
        if path.exists() and not path.is_file():
            msg = f"{path} is not a file; the list is read twice, so save it to one."
            raise UrlListError(msg)
        self._path = path
        self._rows = CheckedRows(path, allow_s3=allow_s3)
        self._count = 0
        self._starts = array("Q")  # of each block: where it is in the file
        self._firsts = array("Q")  # and the position of its first item
        self._check()

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Item]:
        return self.items_in([(0, self._count)])

    def items_in(
        self, spans: Iterable[tuple[int, int]], done: Positions | None = None
    ) -> Iterator[Item]:
        """
        Yield the items of some spans of the list.

        Args:
            spans: Position of the first item, and how many; asked for one by one.

            done: Positions to leave out, if it has any yet.

        Raises:
            UrlListError: If the file has changed since it was checked.
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
            for start, count in spans:
                at, end = start, start + count
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
        count = self._firsts[index + 1] - first
        data = os.pread(file.fileno(), self._starts[index + 1] - start, start)
        line = 2 if start else 1  # not its number, but whether it may be a header
        items = self._items_of(Block(start, line, count, data), first)
        size = os.fstat(file.fileno()).st_size
        if len(items) != count or size != self._starts[-1]:
            msg = f"{self._path} changed while its URLs were fetched."
            raise UrlListError(msg)
        return items

    def _items_of(self, block: Block, first: int) -> list[Item]:
        text = block.plain_text if self._rows.reader.is_text else ""
        if text and "\t" not in text:
            urls = text.removesuffix("\n").split("\n")
            return list(map(Item, range(first, first + len(urls)), urls))
        rows = enumerate(self._rows.reader.rows_in(block), first)
        return [item_of(row.fields, number) for number, row in rows if not row.problem]

    def _check(self) -> None:
        problems = Problems(self._path)
        for line, problem in self._rows.repeats(self._names(problems)):
            problems.add(line, problem)
        if not (self._count or problems.count):
            problems.add(1, "there are no URLs in the file")
        problems.raise_if_any()

    def _names(self, problems: Problems) -> Iterator[list[str]]:
        """Yield the names of all items, block by block, and note where blocks are."""
        end = 0
        for block in self._rows.blocks():
            self._starts.append(block.start)
            self._firsts.append(self._count)
            count, names = self._rows.names_in(block, problems.add)
            self._count += count
            end = block.end
            yield names
        self._starts.append(end)
        self._firsts.append(self._count)
        self._rows.all_good = not problems.count
