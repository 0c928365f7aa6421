"""Lines of a long list that would overwrite each other's files, found beforehand."""

from __future__ import annotations

import csv
from itertools import chain
from typing import TYPE_CHECKING

from fetcher.contract.source import Item
from fetcher.lists.file_names import plain_names
from fetcher.lists.lines import (
    CsvParser,
    Problems,
    blocks,
    lines_of,
    parse_text,
    parser_for,
)
from fetcher.lists.name_clashes import Repeats, clashing, names_of
from fetcher.lists.url_list import wrong_in

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from fetcher.lists.lines import Block

_AT_ONCE = 2**20
_LONGEST_LINE = 65_536  # of those that are read


def refuse_repeats(path: Path, *, allow_s3: bool = False) -> None:
    """
    Refuse a list that names destinations if lines of it repeat each other.

    It is read several times for that, never held; a list of URLs only is searched for
    a TAB, which takes no time. Lines that are wrong are passed over: they end
    `bad_url`.

    Args:
        path: The list.

        allow_s3: Whether ``s3://bucket/key`` is a URL, too.

    Raises:
        UrlListError: If lines repeat the URL of another, or the name it is stored
            under.
    """
    if _names_destinations(path):
        _Lines(path, allow_s3=allow_s3).check()


def _names_destinations(path: Path) -> bool:
    parse = parser_for(path)
    with path.open("rb") as file:
        if isinstance(parse, CsvParser):
            header = file.readline(_LONGEST_LINE).decode("utf-8-sig", "replace")
            return "destination" in next(csv.reader([header]))
        told = b"\t" if parse is parse_text else b'"destination"'
        while piece := file.read(_AT_ONCE) + file.readline(_LONGEST_LINE):
            if told in piece:
                return True
    return False


class _Lines:
    """The lines of a list, to be read again and again."""

    def __init__(self, path: Path, *, allow_s3: bool) -> None:
        self._path = path
        self._allow_s3 = allow_s3
        self._parse = parser_for(path)

    def check(self) -> None:
        clashes = clashing(self._names(), self._names, self._path.stat().st_size)
        if not clashes:
            return
        repeats, problems = Repeats(clashes), Problems(self._path)
        for block in self._blocks():
            for line, item in self._right_in(block):
                if wrong := repeats.check(item, line):
                    problems.add(line, wrong)
        problems.raise_if_any()

    def _blocks(self) -> Iterator[Block]:
        with self._path.open("rb") as file:
            yield from blocks(file)

    def _names(self) -> Iterator[list[str]]:
        return map(self._names_in, self._blocks())

    def _names_in(self, block: Block) -> list[str]:
        if self._parse is parse_text and (text := block.plain_text):
            plain = plain_names(text, block.many)
            if plain:
                return plain
        names = [names_of(item) for _, item in self._right_in(block)]
        # Neighbours in a list share folders more often than what one line names.
        return list(chain([n[0] for n in names], *(n[1:] for n in names)))

    def _right_in(self, block: Block) -> Iterator[tuple[int, Item]]:
        for line, fields in self._parse(lines_of(block, None), None):
            if not wrong_in(fields, allow_s3=self._allow_s3):
                yield line, Item(0, fields["url"], fields.get("destination") or "")
