"""A shard's URLs in parts, one for each process."""

from __future__ import annotations

import zlib
from array import array
from collections import Counter
from itertools import islice
from typing import TYPE_CHECKING

from fetcher.contract.source import Template
from fetcher.security.guard import plain_host

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fetcher.contract.source import Item, Source

_SAMPLE = 2_048  # URLs
_MOST_SHARE = 0.05  # of a host, or the processes would not have equal parts


class ShardPart:
    """
    One part of a source: all URLs of some hosts, or else every so many-th URL.

    A process that has all URLs of a host knows when it is gone, or asks to be spared.

    Args:
        source: The whole.

        nth: Which part, from 0.

        parts: How many there are.

        is_by_host: Whether they are divided by host.

    Attributes:
        positions: Places in the source of the URLs taken so far.
    """

    def __init__(
        self, source: Source, nth: int, parts: int, *, is_by_host: bool
    ) -> None:
        self._source = source
        self._nth = nth
        self._parts = parts
        self._is_by_host = is_by_host
        self.positions = array("L")

    def __iter__(self) -> Iterator[Item]:
        """Yield its URLs, in order."""
        for position, item in enumerate(self._source):
            key = position
            if self._is_by_host:
                key = zlib.crc32(plain_host(item.url).encode())
            if key % self._parts == self._nth:
                self.positions.append(position)
                yield item


def has_many_hosts(source: Source) -> bool:
    """Tell, by a sample, whether no host has too great a part in a source."""
    if isinstance(source, Template):  # it names a few, each as often as the others
        return False
    sample = islice(source, 0, None, -(-len(source) // _SAMPLE))
    hosts = Counter(plain_host(item.url) for item in sample)
    return max(hosts.values()) <= _MOST_SHARE * hosts.total()
