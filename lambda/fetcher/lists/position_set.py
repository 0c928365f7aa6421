"""Set of positions in a list, one bit each."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_NOT_FULL = re.compile(rb"[^\xff]")


class Positions:
    """
    A set of positions, from 0.

    >>> some = Positions()
    >>> some.add([0, 2, 2])
    >>> len(some), 2 in some, list(some.missing(4))
    (2, True, [1, 3])
    """

    def __init__(self) -> None:
        self._count = 0
        self._bits = bytearray()

    def __len__(self) -> int:
        return self._count

    def __contains__(self, position: int) -> bool:
        at = position >> 3
        return at < len(self._bits) and bool(self._bits[at] & 1 << (position & 7))

    def add(self, positions: Iterable[int]) -> None:
        """Add positions; those already in the set have no effect."""
        bits = self._bits
        for position in positions:
            at, bit = position >> 3, 1 << (position & 7)
            if at >= len(bits):
                bits += bytes(at + 1 - len(bits) + (len(bits) >> 3))
            if not bits[at] & bit:
                bits[at] |= bit
                self._count += 1

    def missing(self, end: int) -> Iterator[int]:
        """Yield the positions not in the set, ascending, up to an end."""
        known = min(end, len(self._bits) * 8)
        for hole in _NOT_FULL.finditer(self._bits):
            first = hole.start() * 8
            for position in range(first, min(first + 8, known)):
                if position not in self:
                    yield position
        yield from range(known, end)
