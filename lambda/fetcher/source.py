"""
Where URLs come from: a list carried in the shard, or a numbered template.

Every URL of a run has a number, its position in the plan. A source covers ranges
of numbers, so that what is unfinished can be dealt again as a smaller source of the
same kind.
"""

from __future__ import annotations

import base64
import json
import zlib
from dataclasses import dataclass
from itertools import chain, groupby
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

Ranges = tuple[tuple[int, int], ...]  # (first number, how many), ...


class Item(NamedTuple):
    """
    One file to fetch.

    Attributes:
        number: Position in the plan, from 0.

        url: Where it is.

        destination: Name below the sink's folder; empty: named after the URL.

        sha256: Expected digest in hex; empty: not checked.
    """

    number: int
    url: str
    destination: str = ""
    sha256: str = ""


class Source(Protocol):
    """What the engine iterates over and the plan deals."""

    @property
    def ranges(self) -> Ranges:
        """The numbers covered, ascending."""

    def __len__(self) -> int: ...

    def __iter__(self) -> Iterator[Item]: ...

    def pick(self, numbers: Sequence[int]) -> Source:
        """Return a source of only these numbers, which must be covered."""

    def part(self, start: int, many: int) -> Source:
        """Return a source of as many items, the first of them at this position."""

    def to_dict(self) -> dict[str, Any]:
        """Return what `source_from_dict` reads."""


@dataclass(frozen=True, slots=True)
class Template:
    """
    Numbered URLs: ``{number}`` in the text is replaced by the position.

    A million of them travel in a hundred bytes.

    >>> [item.url for item in Template("http://h/{number}.jpg", ((7, 2),))]
    ['http://h/7.jpg', 'http://h/8.jpg']
    """

    text: str
    ranges: Ranges

    def __post_init__(self) -> None:
        """Refuse a text that would name the same URL every time."""
        if "{number}" not in self.text:
            msg = (
                f"The URL template {self.text!r} has no {{number}} in it, so every "
                "file would be the same one. Write it like "
                "http://host/{number}.jpg."
            )
            raise ValueError(msg)

    def __len__(self) -> int:
        """Return how many URLs there are."""
        return count(self.ranges)

    def __iter__(self) -> Iterator[Item]:
        """Yield the items in ascending order."""
        before, _, after = self.text.partition("{number}")
        if "{number}" in after:
            for number in numbers_in(self.ranges):
                yield Item(number, self.text.replace("{number}", str(number)))
        else:
            for number in numbers_in(self.ranges):
                yield Item(number, f"{before}{number}{after}")

    def pick(self, numbers: Sequence[int]) -> Template:
        """Return the template over these numbers only."""
        return Template(self.text, ranges_of(numbers))

    def part(self, start: int, many: int) -> Template:
        """Return the template over a stretch of its numbers."""
        return Template(self.text, stretch(self.ranges, start, many))

    def to_dict(self) -> dict[str, Any]:
        """Return what `source_from_dict` reads."""
        return {"kind": "template", "text": self.text, "ranges": self.ranges}


@dataclass(frozen=True, slots=True)
class Inline:
    """
    URLs carried in the shard itself, compressed when they travel.

    Attributes:
        items: What to fetch, numbers ascending.
    """

    items: tuple[Item, ...]

    @property
    def ranges(self) -> Ranges:
        """The numbers covered, ascending."""
        return ranges_of([item.number for item in self.items])

    def __len__(self) -> int:
        """Return how many URLs there are."""
        return len(self.items)

    def __iter__(self) -> Iterator[Item]:
        """Yield the items in ascending order."""
        return iter(self.items)

    def pick(self, numbers: Sequence[int]) -> Inline:
        """Return the items with these numbers only."""
        wanted = frozenset(numbers)
        return Inline(tuple(item for item in self.items if item.number in wanted))

    def part(self, start: int, many: int) -> Inline:
        """Return a stretch of the items."""
        return Inline(self.items[start : start + many])

    def to_dict(self) -> dict[str, Any]:
        """Return what `source_from_dict` reads: the items' texts, deflated."""
        texts = json.dumps([item[1:] for item in self.items])
        return {
            "kind": "inline",
            "ranges": self.ranges,
            "packed": pack(texts.encode()),
        }


def source_from_dict(fields: dict[str, Any]) -> Source:
    """
    Read a source back from its dictionary.

    Raises:
        ValueError: If the kind is unknown, or a field is missing or malformed.
    """
    kind = fields.get("kind")
    if kind not in ("template", "inline"):
        msg = f"The source's kind is {kind!r}; it must be 'template' or 'inline'."
        raise ValueError(msg)
    try:
        ranges = _checked(fields["ranges"])
        if kind == "template":
            return Template(fields["text"], ranges)
        texts = json.loads(unpack(fields["packed"]))
        return Inline(
            tuple(
                Item(number, *of_one)
                for number, of_one in zip(numbers_in(ranges), texts, strict=True)
            )
        )
    except (KeyError, TypeError, ValueError) as error:
        msg = f"The {kind} source cannot be read: {error!r}."
        raise ValueError(msg) from error


def _checked(ranges: Iterable[Iterable[int]]) -> Ranges:
    pairs = tuple((int(first), int(many)) for first, many in ranges)
    end = 0
    for first, many in pairs:
        if first < end or many < 1:
            msg = f"The ranges {pairs!r} must ascend, and none may be empty."
            raise ValueError(msg)
        end = first + many
    return pairs


def count(ranges: Ranges) -> int:
    """Return how many numbers the ranges cover."""
    return sum(many for _, many in ranges)


def numbers_in(ranges: Ranges) -> Iterator[int]:
    """
    Yield every number the ranges cover.

    >>> list(numbers_in(((0, 2), (5, 1))))
    [0, 1, 5]
    """
    return chain.from_iterable(range(first, first + many) for first, many in ranges)


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


def stretch(ranges: Ranges, start: int, many: int) -> Ranges:
    """
    Return the ranges of as many numbers, the first of them at this position.

    >>> stretch(((0, 2), (5, 3)), start=1, many=3)
    ((1, 1), (5, 2))
    """
    cut = []
    for first, length in ranges:
        here = min(length - start, many)
        if here > 0:
            cut.append((first + start, here))
            many -= here
        start = max(0, start - length)
    return tuple(cut)


def pack(data: bytes) -> str:
    """Return the data deflated, as text that JSON can carry."""
    return base64.b64encode(zlib.compress(data, level=1)).decode("ascii")


def unpack(text: str) -> bytes:
    """
    Return what `pack` was given.

    Raises:
        ValueError: If the text is not what `pack` gave.
    """
    try:
        return zlib.decompress(base64.b64decode(text, validate=True))
    except zlib.error as error:
        msg = f"The packed data does not inflate: {error}."
        raise ValueError(msg) from error
