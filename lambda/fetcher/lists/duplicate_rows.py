"""What the rows of a list name, to find those that name it again."""

from __future__ import annotations

from itertools import repeat
from typing import TYPE_CHECKING

from fetcher.lists.compact_hash_map import CompactHashMap

if TYPE_CHECKING:
    from collections.abc import Sequence

MOST = 2**23  # names: 96 MB of them, and 64 MB of slots
_URL = 0x5EED_0FF5_E75  # tells the URL of a row from the name it is stored under


class SeenRows:
    """
    Hashes of 64 bits of what rows name: 18 to 24 bytes each, and at most `MOST`.

    Of a list with more names, later rows are compared with those that had the first
    ones.

    >>> seen = SeenRows()
    >>> seen.add(["h/1", "h/2"], 0), seen.add(["h/3", "h/1"], 2)
    ({}, {1: 0})
    >>> seen.first_of("h/4", "h/3", 4), seen.first_of("h/4", "cats/4", 5)
    (2, -1)
    >>> seen.first_of("h/4", "", 6)
    5
    """

    def __init__(self) -> None:
        # By hash, the row that had it first: twice its number, 1 more if by name.
        self._rows = CompactHashMap("I")
        self._has_names = False  # or else no row has any but its URL

    def expect(self, names: int) -> None:
        """Make room for so many at once."""
        self._rows.expect(min(names, MOST))

    def add(
        self, urls: Sequence[str], first: int, names: Sequence[str] = ()
    ) -> dict[int, int]:
        """
        Add the URLs, or empty texts, of consecutive rows, and the names they have.

        Returns:
            By position among these, the number of the first row with that URL or name.
        """
        if names or self._has_names or len(self._rows.keys) + len(urls) > MOST:
            pairs = zip(urls, names or repeat(""), strict=False)
            firsts = (self.first_of(*pair, first + n) for n, pair in enumerate(pairs))
            return {n: found for n, found in enumerate(firsts) if found >= 0}
        self.expect(len(self._rows.keys) + len(urls))
        repeats = {}
        keys, rows, slots = self._rows.keys, self._rows.numbers, self._rows.slots
        hashes, mask, start = list(map(hash, urls)), len(slots) - 1, len(keys)
        keys.extend(hashes)
        rows.extend(range(first << 1, (first + len(urls)) << 1, 2))
        end = start  # of what is kept: repeats and empty texts are not
        for place, key in enumerate(hashes, start):
            at = key & mask
            while known := slots[at]:
                if keys[known - 1] == key:
                    repeats[place - start] = rows[known - 1] >> 1
                    break
                at = at + 1 & mask
            else:
                if key:  # that of an empty text is 0
                    if end != place:
                        keys[end], rows[end] = key, rows[place]
                    end += 1
                    slots[at] = end
        del keys[end:], rows[end:]
        return repeats

    def first_of(self, url: str, name: str, row: int) -> int:
        """
        Add one row, and return the first that has its URL or its name; -1: none has.

        An empty URL counts for nothing, an empty name for the one that the URL makes.
        """
        if not url:
            return -1
        find, put = self._rows.get, self._rows.put
        found = find(hash(name or url))
        if found < 0 and (name or self._has_names):
            found = find(hash(url) ^ _URL)
        if found < 0 and name:
            found = find(hash(url))
            found = -1 if found & 1 else found  # another's name is not its URL
        if found < 0 and len(self._rows.keys) < MOST:
            self._has_names = self._has_names or bool(name)
            put(hash(name or url), row << 1 | bool(name))
            if name:
                put(hash(url) ^ _URL, row << 1 | 1)
        return found >> 1
