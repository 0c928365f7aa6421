"""
Sources of URLs: a list carried in the shard, or a numbered template.

Every URL of a run has a number, its position in the plan. A source covers ranges of
numbers, so that unfinished URLs can be dealt again as a smaller source of that kind.
"""

from __future__ import annotations

import base64
import json
import re
import zlib
from dataclasses import dataclass
from itertools import chain, groupby, repeat
from string import digits
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from fetcher.security.masking import masked

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

KINDS = ("template", "inline")

_PLACEHOLDER = re.compile(r"\{number(?:%([0-9]{1,9}))?\}")
_BRACE = re.compile(r"\{[^{}]*\}?|\}")

Ranges = tuple[tuple[int, int], ...]  # (first number, count), ...


class Item(NamedTuple):
    """
    One file to fetch; of a list, one row of it.

    >>> item = Item(0, "http://h/1", carried='{"caption": "a cat"}')
    >>> item.row, item.columns
    (1, {'caption': 'a cat'})

    Attributes:
        number: Position in the plan, from 0.

        url: Where it is.

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


class Source(Protocol):
    """The items of a shard, in order."""

    @property
    def ranges(self) -> Ranges:
        """The numbers covered, ascending."""

    def __len__(self) -> int: ...

    def __iter__(self) -> Iterator[Item]: ...

    def to_dict(self) -> dict[str, Any]:
        """Return what `source_from_dict` reads."""


@dataclass(frozen=True, slots=True)
class Template:
    """
    Numbered URLs: ``{number}`` in the text is replaced by the position.

    ``{number%16}`` is replaced by the remainder, so that one text spreads over hosts,
    buckets or prefixes. A million URLs travel in a hundred bytes.

    >>> [item.url for item in Template("http://h/{number}.jpg", ((7, 2),))]
    ['http://h/7.jpg', 'http://h/8.jpg']
    >>> [item.url for item in Template("s3://b-{number%2}/{number}", ((7, 2),))]
    ['s3://b-1/7', 's3://b-0/8']
    """

    text: str
    ranges: Ranges

    def __post_init__(self) -> None:
        """Refuse a text that repeats URLs, or has placeholders that mean nothing."""
        if msg := _problem_of(self.text):
            raise ValueError(msg)

    def __len__(self) -> int:
        """Return how many URLs there are."""
        return count(self.ranges)

    def __iter__(self) -> Iterator[Item]:
        """Yield the items in ascending order."""
        texts, divisors = parts_of(self.text)
        if divisors == [None]:
            before, after = texts
            for number in numbers_in(self.ranges):
                yield Item(number, f"{before}{number}{after}")
        else:
            pattern = "%d".join(text.replace("%", "%%") for text in texts)
            for number in numbers_in(self.ranges):
                filled = (number if by is None else number % by for by in divisors)
                yield Item(number, pattern % tuple(filled))

    def to_dict(self) -> dict[str, Any]:
        """Return what `source_from_dict` reads."""
        return {"kind": "template", "text": self.text, "ranges": self.ranges}


def parts_of(text: str) -> tuple[list[str], list[int | None]]:
    """
    Split a template's text at its placeholders.

    Returns:
        The texts around the placeholders, and the divisor of each placeholder; None: it
        stands for the number itself.

    >>> parts_of("s3://b-{number%4}/{number}.jpg")
    (['s3://b-', '/', '.jpg'], [4, None])
    """
    first, *rest = _PLACEHOLDER.split(text)
    divisors = [int(by) if by is not None else None for by in rest[::2]]
    return [first, *rest[1::2]], divisors


def _problem_of(text: str) -> str:
    """Return why a template's text is invalid; empty: it is valid."""
    texts, divisors = parts_of(text)
    named = f"The URL template {masked(text)!r}"
    if None not in divisors:
        return (
            f"{named} has no {{number}} in it, so files would be fetched again and "
            "again. Write it like http://host/{number}.jpg."
        )
    if 0 in divisors:
        return (
            f"{named} divides by 0. Write {{number%16}}, say, for the remainder of a "
            "division by 16."
        )
    for part in texts:
        if found := _BRACE.search(part):
            return (
                f"{named} holds {found[0]!r}, which stands for nothing. There are "
                "{number} and, for a remainder, {number%16}; write other braces as "
                "%7B and %7D."
            )
    # Remainders differ in length, so a separator must show where one ends.
    is_ambiguous = any(not part or part[0] in digits for part in texts[1:-1])
    if is_ambiguous and any(divisors):
        return (
            f"{named} has a digit or another number right after a number, so two files "
            "may have one URL. Put something else in between, as in "
            "{number%16}/{number}."
        )
    return ""


@dataclass(frozen=True, slots=True)
class Inline:
    """
    URLs carried in the shard itself, compressed in transit.

    Attributes:
        ranges: The numbers covered, ascending.

        urls: One for each number.

        destinations: As in `Item`, one each; none at all if all are empty.

        sha256s, refusals: Likewise.

        carried: Likewise; all are empty unless the sink keeps them.
    """

    ranges: Ranges
    urls: Sequence[str]
    destinations: Sequence[str] = ()
    sha256s: Sequence[str] = ()
    refusals: Sequence[str] = ()
    carried: Sequence[str] = ()

    def __post_init__(self) -> None:
        """Refuse columns that do not fit together."""
        expected = count(self.ranges)
        lengths = {len(column) for column in self._optional} - {0}
        if len(self.urls) != expected or not lengths <= {expected}:
            msg = f"For {expected:,} numbers there must be as many texts of each kind."
            raise ValueError(msg)

    @classmethod
    def of(cls, items: Sequence[Item], *, keeps_columns: bool = False) -> Inline:
        """
        Return a source of items whose numbers ascend.

        Args:
            items: They.

            keeps_columns: Whether it takes along what they carry.
        """
        numbers, urls, *columns = zip(*items, strict=True) if items else [()] * 6
        if not keeps_columns:
            del columns[-1]
        optional = (column if any(column) else () for column in columns)
        return cls(ranges_of(numbers), urls, *optional)

    def __len__(self) -> int:
        """Return how many URLs there are."""
        return len(self.urls)

    def __iter__(self) -> Iterator[Item]:
        """Yield the items in ascending order."""
        optional = (column or repeat("") for column in self._optional)
        return map(Item, numbers_in(self.ranges), self.urls, *optional)

    def to_dict(self) -> dict[str, Any]:
        """Return what `source_from_dict` reads: the texts, deflated."""
        texts = json.dumps([self.urls, *self._optional])
        return {
            "kind": "inline",
            "ranges": self.ranges,
            "packed": pack(texts.encode()),
        }

    @property
    def _optional(self) -> tuple[Sequence[str], ...]:
        return self.destinations, self.sha256s, self.refusals, self.carried


def source_from_dict(fields: dict[str, Any]) -> Source:
    """
    Read a source back from its dictionary.

    Raises:
        ValueError: If the kind is unknown, or a field is missing or malformed.
    """
    kind = fields.get("kind")
    if kind not in KINDS:
        msg = f"The source's kind is {kind!r}; it must be one of {', '.join(KINDS)}."
        raise ValueError(msg)
    try:
        ranges = _checked(fields["ranges"])
        if kind == "template":
            return Template(fields["text"], ranges)
        return Inline(ranges, *map(tuple, json.loads(unpack(fields["packed"]))))
    except (KeyError, TypeError, ValueError) as error:
        msg = f"The {kind} source cannot be read: {error!r}."
        raise ValueError(msg) from error


def _checked(ranges: Iterable[Iterable[int]]) -> Ranges:
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


def pack(data: bytes) -> str:
    """Return the data deflated, as text that JSON can carry."""
    return base64.b64encode(zlib.compress(data, level=1)).decode("ascii")


def unpack(text: str) -> bytes:
    """
    Undo `pack`.

    Raises:
        ValueError: If the text is not something `pack` returned.
    """
    try:
        return zlib.decompress(base64.b64decode(text, validate=True))
    except zlib.error as error:
        msg = f"The packed data does not inflate: {error}."
        raise ValueError(msg) from error
