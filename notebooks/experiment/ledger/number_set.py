"""Many numbers of URLs: as ranges, as arrays, and as a set with a bit for each."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fetcher.lists.url_list import ENDLESS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

    from fetcher.contract.source import Ranges

_BITS_AT_ONCE = 2**20


def numbers_of(ranges: Ranges) -> NDArray[np.int64]:
    """
    Return every number the ranges cover.

    >>> numbers_of(((0, 2), (5, 1))).tolist()
    [0, 1, 5]
    """
    if len(ranges) == 1:
        ((first, length),) = ranges
        return np.arange(first, first + length)
    pairs = np.array(ranges, np.int64).reshape(-1, 2)
    firsts, lengths = pairs[:, 0], pairs[:, 1]
    before = np.cumsum(lengths) - lengths
    return np.repeat(firsts - before, lengths) + np.arange(lengths.sum())


def ranges_of(numbers: NDArray[np.int64]) -> Ranges:
    """
    Fold ascending numbers into ranges.

    >>> ranges_of(np.array([0, 1, 5]))
    ((0, 2), (5, 1))
    """
    if not len(numbers):
        return ()
    starts = np.flatnonzero(np.diff(numbers, prepend=numbers[0] - 2) != 1)
    lengths = np.diff(starts, append=len(numbers))
    return tuple(zip(numbers[starts].tolist(), lengths.tolist(), strict=True))


class NumberSet:
    """
    A set of numbers from 0, at a bit each.

    >>> some = NumberSet()
    >>> some.add(np.array([3, 0, 1, 3]))
    >>> len(some), list(some.ranges()), list(some.gaps(6))
    (3, [(0, 2), (3, 1)], [(2, 1), (4, 2)])
    """

    def __init__(self) -> None:
        self._bits = np.zeros(_BITS_AT_ONCE // 8, np.uint8)

    def __len__(self) -> int:
        return int(np.bitwise_count(self._bits).sum(dtype=np.int64))

    def add(self, numbers: NDArray[np.int64]) -> None:
        """Add numbers; those in the set already have no effect."""
        if not len(numbers):
            return
        room = int(numbers.max()) // 8 + 1
        if room > len(self._bits):
            more = max(room, 2 * len(self._bits)) - len(self._bits)
            self._bits = np.append(self._bits, np.zeros(more, np.uint8))
        at_once = np.uint8(1) << (numbers & 7).astype(np.uint8)
        np.bitwise_or.at(self._bits, numbers >> 3, at_once)

    def without(self, others: NumberSet) -> NumberSet:
        """Return the numbers that are not in the other set."""
        left = NumberSet()
        left._bits = self._bits.copy()
        shared = min(len(left._bits), len(others._bits))
        left._bits[:shared] &= ~others._bits[:shared]
        return left

    def ranges(self) -> Iterator[tuple[int, int]]:
        """Yield the ranges of the numbers in the set, ascending."""
        return _joined(self._runs(0))

    def gaps(self, end: int) -> Iterator[tuple[int, int]]:
        """Yield the ranges of the numbers not in it, up to an end."""
        for first, length in _joined(self._runs(0xFF)):
            if first >= end:
                return
            yield first, min(first + length, end) - first

    def _runs(self, flipped: int) -> Iterator[tuple[int, int]]:
        step = _BITS_AT_ONCE // 8
        for start in range(0, len(self._bits), step):
            packed = self._bits[start : start + step] ^ np.uint8(flipped)
            bits = np.unpackbits(packed, bitorder="little")
            yield from ranges_of(np.flatnonzero(bits) + 8 * start)
        if flipped:
            yield 8 * len(self._bits), ENDLESS


def _joined(ranges: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Join ranges that touch."""
    first, end = 0, 0
    for begins, length in ranges:
        if begins != end:
            if end > first:
                yield first, end - first
            first = begins
        end = begins + length
    if end > first:
        yield first, end - first
