"""What tars of ours hold, by row of the list, and the sinks that are asked for it."""

from __future__ import annotations

from array import array
from collections import Counter
from itertools import islice
from typing import TYPE_CHECKING, Any, Protocol

from fetcher.contract.download_results import Download
from fetcher.contract.outcome import Outcome
from fetcher.security.masking import masked
from fetcher.sinks.resumable_sink import ResumableSink
from fetcher.sinks.tars.tar_reading import position_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

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


class TarsSink(ResumableSink, Protocol):
    """Sink whose paths are those of tars, a slash, and the member's name."""

    def _contents(self) -> Contents:
        """Return what was in its tars before this run."""

    def _is_ours(self, tar: str) -> bool:
        """Tell whether a tar, by its path, is one that this sink may write."""

    def _unfinished(self) -> dict[str, Path]:
        """Return the tars that members can be taken out of, with the files they are."""
        return {}

    def _spelled(self, tar: str) -> str:
        """Return the path of a tar as this sink spells it."""
        return tar

    def stays(self, path: str) -> bool:
        """Tell whether a body is in a tar that is complete."""
        return path.rpartition("/")[0] not in self._unfinished()

    def check(self, kept: KnownPositions, *, is_again: bool = False) -> None:
        """
        Check that tars have nothing else; of those that grow, some may be taken out.

        Raises:
            ValueError: If they have, as it may be another list's.
        """
        unfinished, others = self._unfinished(), self._contents().others(kept)
        growing = {tar: others.pop(tar) for tar in unfinished if tar in others}
        if growing and not self._contents().has_any(kept):
            tar, count = next(iter(growing.items()))
            left = f"{unfinished[tar]} was left by a run that did not end, and"
            msg = (
                f"{left} has {count:,} files, none of which are to be kept. With the "
                "list of that run and a --report they would be; or name another place, "
                "or remove it."
            )
            if is_again:
                msg = (
                    f"{left} --retry all cannot replace its files: remove it, or leave "
                    "--retry out."
                )
            raise ValueError(msg)
        for tar, count in others.items():
            msg = (
                f"{tar} has {count:,} files that --report does not have for this "
                "list, so it stays as it is. Name another place, or remove it: what "
                "the list has of it is then fetched again."
            )
            if is_again:
                msg = (
                    f"{tar} is complete and has {count:,} files, which --retry all "
                    "cannot replace. Name another place and report, or remove the tar."
                )
            raise ValueError(msg)

    def key_of(self, item: Item) -> str:
        """Return what members of this item's row are called."""
        return f"{item.row:09}"

    def key_at(self, path: str) -> str:
        """Return the row of a member, as `key_of` does; empty: it is in no tar here."""
        tar, _, name = path.rpartition("/")
        return name.partition(".")[0] if self._is_ours(tar) else ""

    def holds(self, path: str, size: int) -> bool:
        """Tell whether a member of this size is in a tar."""
        tar, _, name = path.rpartition("/")
        try:
            position = position_of(name)
        except ValueError:
            return False
        return self._contents().has(self._spelled(tar), position, size)
