"""Files to download, as callers of the service list them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fetcher.contract.source import Item
from fetcher.lists.file_names import name_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence


def items_of(listed: Sequence[Mapping[str, str]]) -> list[Item]:
    """Return the items that a list names, numbered from 0."""
    return [
        Item(
            number,
            one["url"],
            one.get("destination", ""),
            one.get("sha256", "").lower(),
        )
        for number, one in enumerate(listed)
    ]


def repeated(items: Iterable[Item]) -> dict[int, int]:
    """
    Map the items that would be stored under the name of an earlier one to that one.

    >>> repeated([Item(0, "http://h/a"), Item(1, "http://h/b", "h/a")])
    {1: 0}
    """
    firsts: dict[str, int] = {}
    found = {}
    for item in items:
        try:
            name = name_of(item)
        except ValueError:  # no URL, so it will not be stored
            continue
        first = firsts.setdefault(name, item.number)
        if first != item.number:
            found[item.number] = first
    return found
