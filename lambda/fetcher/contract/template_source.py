"""Numbered URLs, as one text with places for the number."""

from __future__ import annotations

import re
from dataclasses import dataclass
from string import digits
from typing import TYPE_CHECKING, Any

from fetcher.contract.source import (
    Item,
    Ranges,
    checked_ranges,
    count,
    made,
    numbers_in,
)
from fetcher.security.masking import masked

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_PLACEHOLDER = re.compile(r"\{number(?:%([0-9]{1,9}))?\}")
_BRACE = re.compile(r"\{[^{}]*\}?|\}")


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
                yield made((number, f"{before}{number}{after}", "", "", "", ""))
        else:
            pattern = "%d".join(text.replace("%", "%%") for text in texts)
            for number in numbers_in(self.ranges):
                filled = (number if by is None else number % by for by in divisors)
                yield made((number, pattern % tuple(filled), "", "", "", ""))

    def to_dict(self) -> dict[str, Any]:
        """Return the template as JSON fields."""
        return {"kind": "template", "text": self.text, "ranges": self.ranges}

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Template:
        """Read back what `to_dict` returned."""
        return cls(fields["text"], checked_ranges(fields["ranges"]))


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
