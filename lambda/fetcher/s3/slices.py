"""
URLs in S3: a long list cut into objects, of which an execution reads what it needs.

An object holds as many URLs as any other, but the last: so where a number is need not
be said, and a hundred bytes tell an execution which of a billion URLs are its own.
"""

from __future__ import annotations

import gzip
import json
import zlib
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from threading import Event
from time import monotonic
from typing import TYPE_CHECKING, Any

from fetcher.s3.account import Account
from fetcher.s3.connection import Connection
from fetcher.s3.errors import LateError
from fetcher.s3.urls import prefix_of
from fetcher.source import Item, Ranges, count

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from concurrent.futures import Future

    from fetcher.s3.urls import Place

PER_SLICE = 1_000
_PATIENCE_S = 60.0


@dataclass(frozen=True, slots=True)
class Slices:
    """
    A source whose URLs are in S3.

    Attributes:
        where: What the objects' keys begin with: ``s3://bucket/prefix``.

        ranges: The numbers covered, ascending.

        per_slice: How many URLs an object holds.
    """

    where: str
    ranges: Ranges
    per_slice: int = PER_SLICE

    def __post_init__(self) -> None:
        """Refuse what is no place in S3."""
        prefix_of(self.where)
        if self.per_slice < 1:
            msg = f"per_slice is {self.per_slice}; it must be at least 1."
            raise ValueError(msg)

    def __len__(self) -> int:
        """Return how many URLs there are."""
        return count(self.ranges)

    def __iter__(self) -> Iterator[Item]:
        """Yield the items in ascending order."""
        return self.items(monotonic() + _PATIENCE_S)

    def items(self, until: float) -> Iterator[Item]:
        """
        Yield the items in ascending order; none that were not read by then.

        The next object is read while the items of one are asked for.

        Args:
            until: On the monotonic clock.

        Raises:
            OSError: If an object cannot be read.

            ValueError: If it is not what it should be.
        """
        stopped = Event()
        connection = Connection(Account.from_environment(), stopped)
        reader = ThreadPoolExecutor(1)
        ahead: deque[Future[list[Item]]] = deque()
        try:
            for index, stretches in self.objects():
                ahead.append(
                    reader.submit(self._read, connection, index, stretches, until)
                )
                if len(ahead) > 1:
                    yield from ahead.popleft().result()
            while ahead:
                yield from ahead.popleft().result()
        except LateError:
            return  # whoever wanted more has no time for it
        finally:
            stopped.set()
            reader.shutdown(wait=False, cancel_futures=True)

    def to_dict(self) -> dict[str, Any]:
        """Return what `source_from_dict` reads."""
        return {
            "kind": "slices",
            "where": self.where,
            "ranges": self.ranges,
            "per_slice": self.per_slice,
        }

    def place_of(self, index: int) -> Place:
        """Return where an object is."""
        return prefix_of(self.where).below(f"{index:06}.jsonl.gz")

    def objects(self) -> Iterator[tuple[int, list[tuple[int, int]]]]:
        """Yield which objects are needed, and what of each."""
        for index, stretches in groupby(self._stretches(), itemgetter(0)):
            yield index, [(first, many) for _, first, many in stretches]

    def _stretches(self) -> Iterator[tuple[int, int, int]]:
        """Yield object, first number and how many."""
        for first, many in self.ranges:
            at, end = first, first + many
            while at < end:
                index = at // self.per_slice
                upto = min(end, (index + 1) * self.per_slice)
                yield index, at, upto - at
                at = upto

    def _read(
        self,
        connection: Connection,
        index: int,
        stretches: Sequence[tuple[int, int]],
        until: float,
    ) -> list[Item]:
        answer = connection.request("GET", self.place_of(index), until=until)
        return self.items_in(index, stretches, answer.body)

    def items_in(
        self, index: int, stretches: Sequence[tuple[int, int]], data: bytes
    ) -> list[Item]:
        """
        Return the items of some stretches of an object.

        Args:
            index: Which object it is.

            stretches: First number and how many.

            data: What it holds.

        Raises:
            ValueError: If that is not what it should be.
        """
        place, start = self.place_of(index), index * self.per_slice
        rows = _unpack_rows(data, place)
        try:
            return [
                Item(number, *rows[number - start])
                for first, many in stretches
                for number in range(first, first + many)
            ]
        except (IndexError, TypeError) as error:
            msg = f"{place} holds {len(rows):,} rows, not those that were asked for."
            raise ValueError(msg) from error


def pack_rows(items: Iterable[Item]) -> bytes:
    """Return what an object holds: a line of JSON for each item, compressed."""
    lines = [json.dumps(_short(item), separators=(",", ":")) for item in items]
    text = "".join(f"{line}\n" for line in lines)
    return gzip.compress(text.encode(), compresslevel=6, mtime=0)


def _unpack_rows(data: bytes, place: Place) -> list[list[str]]:
    """Return URL and, if there are any, destination and digest of each line."""
    try:
        text = zlib.decompress(data, wbits=zlib.MAX_WBITS | 16)
        return [json.loads(line) for line in text.splitlines()]
    except (zlib.error, ValueError) as error:
        msg = f"{place} is no slice of a list: {error}."
        raise ValueError(msg) from error


def _short(item: Item) -> list[str]:
    row = list(item[1:])
    while len(row) > 1 and not row[-1]:
        row.pop()
    return row
