"""
Lines of a list that clash: by URL, by name, or as a file and a folder of one name.

Hashes of 64 bits stand for the texts. Not even these are kept: one bit each says that
some hash was met before. A name whose bit is set is suspected, mostly wrongly; reading
the list again settles it. So memory stays small for any list.
"""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING

from fetcher.contract.source import Item
from fetcher.lists.file_names import name_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

_FEWEST_BITS = 16  # of the number of a slot
_MOST_BITS = 28  # 32 MB, enough for 400 MB of lines; longer lists are read in turns


def repeats_in(
    names: Iterable[list[str]],
    again: Callable[[], Iterable[list[str]]],
    items: Callable[[], Iterable[tuple[int, Item]]],
    size: int,
    unit: str = "line",
) -> Iterator[tuple[int, str]]:
    """
    Yield the numbers of lines that clash with earlier ones, each with the explanation.

    Args:
        names: The names of all items, in pieces; see `names_of`.

        again: Reads them once more.

        items: Reads the items, by their lines' numbers; called if anything clashes.

        size: Bytes of the list; several for each name.

        unit: What the numbers count.
    """
    clashes = clashing(names, again, size)
    if clashes:
        repeats = Repeats(clashes, unit)
        for number, item in items():
            if problem := repeats.check(item, number):
                yield number, problem


def clashing(
    names: Iterable[list[str]], again: Callable[[], Iterable[list[str]]], size: int
) -> set[int]:
    """Return the hashes of names that occur twice, or as a file and as a folder."""
    bits = min(max(_FEWEST_BITS, size.bit_length() - 1), _MOST_BITS)
    turns = 1 + (size >> _MOST_BITS + 1)
    found = set()
    for turn in range(turns):
        suspects = _suspects(again() if turn else names, bits, turn, turns)
        if suspects:
            found |= _confirmed(again(), suspects)
    return found


def _suspects(
    pieces: Iterable[list[str]], bits: int, turn: int, turns: int
) -> set[int]:
    """Return hashes whose slot, as a file or a folder, was taken already."""
    mask = (1 << bits) - 1
    taken = bytearray(mask + 1 >> 3)
    suspects = set()
    folder = ""
    for names in pieces:
        for name in names:
            key = hash(name)
            if key % turns == turn:
                slot, other = key & mask, ~key & mask
                at, bit = slot >> 3, 1 << (slot & 7)
                if taken[at] & bit or taken[other >> 3] & 1 << (other & 7):
                    suspects.add(key)
                taken[at] |= bit
            here = name.rpartition("/")[0]
            if here == folder:
                continue
            before, folder = folder, here
            for parent in _not_above(before, folder):
                key = hash(parent)
                if key % turns == turn:
                    slot, other = key & mask, ~key & mask
                    if taken[slot >> 3] & 1 << (slot & 7):
                        suspects.add(key)
                    taken[other >> 3] |= 1 << (other & 7)
    return suspects


def _confirmed(pieces: Iterable[list[str]], suspects: set[int]) -> set[int]:
    """Return the suspects that were met twice as files, or as file and as folder."""
    files: set[int] = set()
    folders: set[int] = set()
    found = set()
    folder = ""
    for names in pieces:
        for name in names:
            key = hash(name)
            if key in suspects:
                if key in files:
                    found.add(key)
                files.add(key)
            here = name.rpartition("/")[0]
            if here == folder:
                continue
            before, folder = folder, here
            folders.update(suspects.intersection(map(hash, _not_above(before, folder))))
    return found | files & folders


def _not_above(before: str, folder: str) -> Iterator[str]:
    """
    Yield the folder and those above it, up to the first that is above `before` too.

    >>> list(_not_above("h/a/b", "h/a/c/d"))
    ['h/a/c/d', 'h/a/c']
    """
    while folder and not f"{before}/".startswith(f"{folder}/"):
        yield folder
        folder = folder[: max(0, folder.rfind("/"))]


def names_of(item: Item) -> tuple[str, ...]:
    """Return the item's name and, if it differs, the one derived from its URL."""
    name = name_of(item)
    natural = name_of(Item(0, item.url)) if item.destination else name
    return (name,) if name == natural else (name, natural)


class Repeats:
    """The lines that were first to name a URL, or a file to store it in."""

    def __init__(self, clashes: set[int], unit: str = "line") -> None:
        self._clashes = clashes
        self._unit = unit
        self._urls: dict[int, int] = {}
        self._names: dict[int, int] = {}
        self._folders: dict[int, int] = {}

    def check(self, item: Item, line: int) -> str:
        """Explain which earlier line this one repeats; empty: none."""
        names = names_of(item)
        if self._clashes.isdisjoint(map(hash, (*names, *_parents(names[0])))):
            return ""
        first = self._urls.setdefault(hash(item.url), line)
        if first != line:
            return f"repeats the URL of {self._unit} {first:,}"
        name = names[0]
        first = self._names.setdefault(hash(name), line)
        if first != line:
            same = f"would be stored under the same name as {self._unit} {first:,}"
            return f"{same}: {name}"
        return self._check_folders(name, line)

    def _check_folders(self, name: str, line: int) -> str:
        """Explain if a name would have to be a file and a folder at once."""
        clash = self._folders.get(hash(name))
        for parent in _parents(name):
            self._folders.setdefault(hash(parent), line)
            clash = clash or self._names.get(hash(parent))
        if not clash:
            return ""
        return (
            f"would be stored as {name}, which {self._unit} {clash:,} makes "
            "impossible: one needs as a folder what the other has as a file; give one "
            "a destination"
        )


def _parents(name: str) -> Iterable[str]:
    return accumulate(name.split("/")[:-1], "{}/{}".format)
