"""Columns of a list: their names, and rows in them."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from itertools import groupby, repeat
from json.encoder import encode_basestring_ascii as quoted
from typing import TYPE_CHECKING, Any, NamedTuple

from fetcher.lists.problems import UrlListError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

COLUMNS_OF_URLS = ("url", "image_url", "img_url", "image_link", "link", "uri", "src")
DEEPEST = 100  # objects and lists in each other; Python's own limit may be 1,000
_SHOWN = 12  # names of columns
_SCALARS = {int, float, bool, str, type(None)}
_encode = json.JSONEncoder(default=str, allow_nan=False).encode
_encode_lines = json.JSONEncoder(separators=("\n", ": "), allow_nan=False).encode


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """
    Names of a list's columns.

    Attributes:
        url: That of URLs; empty: one of `COLUMNS_OF_URLS`, in capitals or not.

        name: That of the names to store files under; empty: ``destination``, if any.

        sha256: That of digests in hex; empty: ``sha256``, if any.
    """

    url: str = ""
    name: str = ""
    sha256: str = ""

    def found_in(self, names: Sequence[str]) -> tuple[str, str, str] | None:
        """
        Return the names of the three among these, empty where there is none.

        None if none of them has URLs.

        >>> Columns(name="id").found_in(["ID", "URL", "id"])
        ('URL', 'id', '')
        """
        lower = {name.strip().lower(): name for name in reversed(names)}
        if self.url:
            url = self.url if self.url in names else ""
        else:
            known = (lower[one] for one in COLUMNS_OF_URLS if one in lower)
            url = next(known, "")
        given = (self.name, "destination"), (self.sha256, "sha256")
        others = [one or usual for one, usual in given]
        if not url or any(one and one not in names for one, _ in given):
            return None
        name, sha256 = (one if one in names else "" for one in others)
        return url, name, sha256

    def missing(self, names: Sequence[str], of: str) -> UrlListError:
        """Return the error for a file whose columns these are."""
        named = [one for one in (self.url, self.name, self.sha256) if one]
        lacking = next((one for one in named if one not in names), "")
        known = ", ".join(map(repr, names[:_SHOWN])) or "none"
        if more := len(names) - _SHOWN:
            known += f" and {more} more" if more > 0 else ""
        what = (
            f"no column {lacking!r}" if lacking else "no column that looks like URLs'"
        )
        return UrlListError(
            f"{of} has {what}. It has {known}: name the one of URLs with --url-column, "
            "and if wanted --name-column and --sha256-column."
        )


def told_apart(names: Iterable[str]) -> list[str]:
    """
    Return the names of columns, those that repeat others numbered.

    >>> told_apart(["url", "tag", "tag", "tag_2", "tag"])
    ['url', 'tag', 'tag_3', 'tag_2', 'tag_4']
    """
    names = list(names)
    taken, numbers, told = set(names), dict.fromkeys(names, 0), []
    for name in names:
        numbers[name] += 1
        one = name
        while numbers[name] > 1 and one in taken:
            one = f"{name}_{numbers[name]}"
            numbers[name] += one in taken
        taken.add(one)
        told.append(one)
    return told


class Rows(NamedTuple):
    """
    Some rows, in columns; an optional one is empty if all its values are.

    Attributes:
        urls: One each, of any type that the format has.

        names, sha256s: Likewise.

        carried: The other columns, each row's as a JSON object.

        problems: Why rows cannot be read, by position; what they are stands for a URL.
    """

    urls: Sequence[Any]
    names: Sequence[Any] = ()
    sha256s: Sequence[Any] = ()
    carried: Sequence[str] = ()
    problems: Mapping[int, str] = {}


def as_objects(names: Sequence[str], columns: Iterable[Iterable[str]]) -> list[str]:
    """
    Return each row of some columns, whose values are JSON already, as a JSON object.

    >>> as_objects(["caption", "%"], [['"a cat"'], ["7"]])
    ['{"caption": "a cat", "%": 7}']
    """
    parts: list[Iterable[str]] = []
    for name, values in zip(names, columns, strict=True):
        parts += repeat(f"{', ' if parts else '{'}{quoted(name)}: "), values
    # Joined by C, a row in 0.1 us: a third of what a format would take.
    return list(map("".join, zip(*parts, repeat("}"), strict=False))) if parts else []


def as_json(values: Sequence[Any]) -> Iterable[str]:
    """
    Return values as JSON, those that it does not have as text, or as null.

    >>> list(as_json([1, None, "a"])), list(as_json([[1, 2], {}]))
    (['1', 'null', '"a"'], ['[1, 2]', '{}'])
    >>> list(as_json([0.5, 1e999])), list(as_json([{"a": [-1e999, "b"]}]))
    (['0.5', 'null'], ['{"a": [null, "b"]}'])

    Raises:
        RecursionError: If one is nested deeper than `DEEPEST`.
    """
    kinds = set(map(type, values))
    if kinds == {str}:
        return map(quoted, values)
    try:
        if kinds <= _SCALARS:  # in one call, a line each: no line feed is in any
            return _encode_lines(values)[1:-1].split("\n")
        texts = list(map(_encode, values))
    except ValueError:  # of numbers that JSON does not have
        texts = [_encode(_finite(value)) for value in values]
    if max(map(len, texts)) > 2 * DEEPEST and any(map(_is_deep, values)):
        raise RecursionError
    return texts


def _is_deep(value: Any, left: int = DEEPEST) -> bool:  # noqa: ANN401
    """Tell whether a value is nested deeper than so many levels."""
    if isinstance(value, dict):
        value = value.values()
    elif not isinstance(value, (list, tuple)):
        return False
    return not left or any(_is_deep(one, left - 1) for one in value)


def _finite(value: Any) -> Any:  # noqa: ANN401 - as JSON and Parquet have it
    """Return a value with None for infinities and what is no number."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {name: _finite(one) for name, one in value.items()}
    return list(map(_finite, value)) if isinstance(value, (list, tuple)) else value


def objects_of(rows: Iterable[dict[str, Any]]) -> list[str]:
    """
    Return rows as JSON objects, an empty one as an empty text.

    >>> objects_of([{"a": 1}, {"a": [2]}, {}])
    ['{"a": 1}', '{"a": [2]}', '']

    Raises:
        RecursionError: If a value is nested deeper than `DEEPEST`.
    """
    objects: list[str] = []
    for names, alike in groupby(rows, key=tuple):
        values = list(map(dict.values, alike))
        columns = map(as_json, zip(*values, strict=True))
        objects += as_objects(names, columns) if names else [""] * len(values)
    return objects
