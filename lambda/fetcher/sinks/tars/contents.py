"""What tars of ours hold, by row of the list."""

from __future__ import annotations

from array import array
from collections import Counter
from itertools import islice
from typing import TYPE_CHECKING, Any

from fetcher.contract.download_results import Download
from fetcher.contract.outcome import Outcome
from fetcher.security.masking import masked
from fetcher.sinks.tars.tar_reading import position_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from fetcher.contract.source import Item
    from fetcher.sinks.resumable_sink import ItemsIn, KnownPositions
    from fetcher.sinks.tars.tar_reading import Found

_NOWHERE = -1
_AT_ONCE = 10_000  # rows of an index that are held
_MOST_ROWS = 10**10  # far more than any list has


def found_again(
    rows: Iterable[dict[str, Any]], tar: str, items_in: ItemsIn, kept: KnownPositions
) -> Iterator[tuple[Item, Download]]:
    """
    Yield items that a tar has with the same URL, and how they ended.

    The rows are those of its index; the kept positions are left out.
    """
    places = ((position_of(row["key"]), row) for row in rows)
    others = (one for one in places if one[0] not in kept)
    while known := dict(islice(others, _AT_ONCE)):
        for item in items_in((position, 1) for position in sorted(known)):
            row = known[item.number]
            if not item.refusal and masked(item.url) == row["url"]:
                yield item, _ended(row, f"{tar}/{row['key']}")


def _ended(row: dict[str, Any], path: str) -> Download:
    """Return how a download ended, by its row of an index."""
    return Download(
        *(Outcome.OK, row["status"], row["bytes"]),
        path=path,
        content_type=row.get("content_type", ""),
        found_type=row.get("found_type", ""),
        sha256=row.get("sha256", ""),
        width=row.get("width", 0),
        height=row.get("height", 0),
    )


class Contents:
    """Sizes of bodies in tars, and which tar each is in, by position; 12 bytes each."""

    def __init__(self) -> None:
        self._sizes = array("q")
        self._tars = array("i")
        self._names: list[str] = []

    def add(self, tar: str, members: Iterable[Found]) -> int:
        """Add the members of a tar; return where its last body begins, 0 if none is."""
        number, last = len(self._names), 0
        self._names.append(tar)
        for member in members:
            try:
                position = member.position
            except ValueError:
                position = -1
            if not 0 <= position < _MOST_ROWS:
                msg = f"{tar} was not written by this command: it has {member.name}."
                raise ValueError(msg)
            if missing := max(0, position + 1 - len(self._sizes)):
                self._sizes.extend([_NOWHERE] * missing)
                self._tars.extend([_NOWHERE] * missing)
            self._sizes[position], self._tars[position] = member.size, number
            last = max(last, member.offset)
        return last

    def has(self, tar: str, position: int, size: int) -> bool:
        """Tell whether a body of this size is in a tar."""
        return (
            0 <= position < len(self._sizes)
            and self._sizes[position] == size
            and self._names[self._tars[position]] == tar
        )

    def has_any(self, known: KnownPositions) -> bool:
        """Tell whether there is a body at a position that is known."""
        return any(
            number != _NOWHERE and position in known
            for position, number in enumerate(self._tars)
        )

    def others(self, known: KnownPositions) -> dict[str, int]:
        """Return how many bodies each tar has at positions that are not known."""
        return Counter(
            self._names[number]
            for position, number in enumerate(self._tars)
            if number != _NOWHERE and position not in known
        )
