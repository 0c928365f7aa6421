"""Rows of a file that can be fetched, and the names of the files they become."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

from fetcher.lists.file_names import plain_names
from fetcher.lists.lines import blocks
from fetcher.lists.name_clashes import names_of, repeats_in
from fetcher.lists.rows import RowReader, item_of, problem_to_fetch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from fetcher.contract.source import Item
    from fetcher.lists.lines import Block


class CheckedRows:
    """
    Rows of a file, checked each by itself; read as often as need be, never held.

    Args:
        path: The file.

        allow_s3: Whether ``s3://bucket/key`` is a URL, too.

    Attributes:
        reader: Reads the rows.

        all_good: Set when every row is known to be good: later passes need not check.
    """

    def __init__(self, path: Path, *, allow_s3: bool = False) -> None:
        self.reader = RowReader.of(path)
        self.all_good = False
        self._path = path
        self._allow_s3 = allow_s3

    def blocks(self) -> Iterator[Block]:
        """Yield the file block by block."""
        with self._path.open("rb") as file:
            yield from blocks(file)

    def items_in(
        self, block: Block, note: Callable[[int, str], None] | None = None
    ) -> Iterator[tuple[int, Item]]:
        """
        Yield line numbers and items, of the rows that can be fetched.

        Args:
            block: Some lines.

            note: Told the line and the problem of each other row.
        """
        for number, fields, problem in self.reader.rows_in(block):
            problem = problem or (  # noqa: PLW2901 - completed
                ""
                if self.all_good
                else problem_to_fetch(fields, allow_s3=self._allow_s3)
            )
            if not problem:
                yield number, item_of(fields)
            elif note:
                note(number, problem)

    def names_in(
        self, block: Block, note: Callable[[int, str], None] | None = None
    ) -> tuple[int, list[str]]:
        """Return how many items a block has, and all names they have or could have."""
        if self.reader.is_text and (text := block.plain_text):
            plain = plain_names(text, block.line_count)
            if plain:
                return block.line_count, plain
        names = [names_of(item) for _, item in self.items_in(block, note)]
        # Neighbours in a list share folders more often than the names of one line do.
        return len(names), list(chain([n[0] for n in names], *(n[1:] for n in names)))

    def repeats(
        self, names: Iterable[list[str]] | None = None
    ) -> Iterator[tuple[int, str]]:
        """
        Yield the lines that repeat earlier ones, with the explanation.

        Args:
            names: The names of all items, in pieces; None: read here.
        """

        def read() -> Iterator[list[str]]:
            return (self.names_in(block)[1] for block in self.blocks())

        def items() -> Iterator[tuple[int, Item]]:
            return chain.from_iterable(map(self.items_in, self.blocks()))

        size = self._path.stat().st_size
        return repeats_in(read() if names is None else names, read, items, size)
