"""
A list shared among processes by host, so that one process knows all about a host.

A process that has all URLs of a host knows when it is gone or asks to be spared, and
goes on to use its address and its open connections.
"""

from __future__ import annotations

import mmap
import struct
from itertools import pairwise
from typing import TYPE_CHECKING

from fetcher.lists.url_list import ENDLESS
from fetcher.transfer.work_division import are_of_many_hosts, part_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fetcher.contract.source import Item
    from fetcher.lists.position_set import Positions
    from fetcher.lists.url_list import UrlList

_SAMPLES = 16  # of the list
_SAMPLE = 128  # URLs each
_POSITION = struct.Struct("=Q")


def has_many_hosts(urls: UrlList) -> bool:
    """Tell, by samples of what is read, whether no host has too great a part in it."""
    count = urls.count
    edges = [count * nth // _SAMPLES for nth in range(_SAMPLES + 1)]
    spans = ((start, min(_SAMPLE, end - start)) for start, end in pairwise(edges))
    return are_of_many_hosts(urls.items_in(spans))


class HostPartitions:
    """
    The parts of a list, one for each process, with all URLs of a host in one.

    Each process reads the list by itself and leaves out the other parts, and what is
    done. How far each has come is in memory that they share: if one dies, the rest of
    its part is known.
    """

    def __init__(self, urls: UrlList, done: Positions, processes: int) -> None:
        self._urls = urls
        self._done = done
        self._processes = processes
        self._next = mmap.mmap(-1, processes * _POSITION.size)  # position, by part

    def items(self, nth: int) -> Iterator[Item | None]:
        """Yield what is left of a part; None: there may be more later."""
        offset = nth * _POSITION.size
        (start,) = _POSITION.unpack_from(self._next, offset)
        rest = [(start, ENDLESS)]
        for item in self._urls.items_so_far(rest, self._done):
            if item is None:
                yield None
            elif part_of(item.url, self._processes) == nth:
                _POSITION.pack_into(self._next, offset, item.number + 1)
                yield item
        _POSITION.pack_into(self._next, offset, self._urls.count)

    def left(self) -> Iterator[Item | None]:
        """Yield what is left of all parts."""
        for nth in range(self._processes):
            yield from self.items(nth)
