"""
Sources of URLs: what a list carried in the shard and a numbered template share.

Every URL of a run has a number, its position in the plan. A source covers ranges of
numbers, so that unfinished URLs can be dealt again as a smaller source of that kind.
"""

from __future__ import annotations

import json
from functools import partial
from itertools import chain, groupby
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

Ranges = tuple[tuple[int, int], ...]  # (first number, count), ...


class Item(NamedTuple):
    """
    One file to fetch; of a list, one row of it.

    >>> item = Item(0, "http://h/1", carried='{"caption": "a cat"}')
    >>> item.row, item.columns
    (1, {'caption': 'a cat'})

    Attributes:
        number: Position in the plan, from 0.

        destination: Path below the sink's folder; empty: named after the URL.

        sha256: Expected digest in hex; empty: not checked.

        refusal:
            How the list itself settles it, so that nothing is fetched: ``bad_url``
            or ``duplicate``, a colon, a space, and the reason. Empty: it is fetched.

        carried:
            The row's other columns, as the text of a JSON object in ASCII; empty:
            there are none.
    """

    number: int
    url: str
    destination: str = ""
    sha256: str = ""
    refusal: str = ""
    carried: str = ""

    @property
    def row(self) -> int:
        """The number of its row in the list, from 1; see `fetcher.lists`."""
        return self.number + 1

    @property
    def columns(self) -> dict[str, Any]:
        """What is `carried`."""
        return json.loads(self.carried) if self.carried else {}


# For every row: `_make` and calls by name take two and four times as long.
made: Callable[[Iterable[Any]], Item] = partial(tuple.__new__, Item)


class Source(Protocol):
    """The items of a shard, in order."""

    @property
    def ranges(self) -> Ranges:
        """The numbers covered, ascending."""

    def __len__(self) -> int: ...

    def __iter__(self) -> Iterator[Item]: ...

    def to_dict(self) -> dict[str, Any]:
        """Return the source as JSON fields, its ``kind`` among them."""


def checked_ranges(ranges: Iterable[Iterable[int]]) -> Ranges:
    """
    Return ranges as they came in JSON.

    Raises:
        ValueError: If they do not ascend, or one is empty.
    """
    pairs = tuple((int(first), int(length)) for first, length in ranges)
    end = 0
    for first, length in pairs:
        if first < end or length < 1:
            msg = f"The ranges {pairs!r} must ascend, and none may be empty."
            raise ValueError(msg)
        end = first + length
    return pairs


def count(ranges: Ranges) -> int:
    """Return how many numbers the ranges cover."""
    return sum(length for _, length in ranges)


def numbers_in(ranges: Ranges) -> Iterator[int]:
    """
    Yield every number the ranges cover.

    >>> list(numbers_in(((0, 2), (5, 1))))
    [0, 1, 5]
    """
    return chain.from_iterable(range(first, first + size) for first, size in ranges)


def ranges_of(numbers: Iterable[int]) -> Ranges:
    """
    Fold ascending numbers into ranges.

    >>> ranges_of([0, 1, 5])
    ((0, 2), (5, 1))
    """
    runs = groupby(enumerate(numbers), key=lambda pair: pair[1] - pair[0])
    folded = []
    for _, run in runs:
        (_, first), *rest = run
        folded.append((first, 1 + len(rest)))
    return tuple(folded)
