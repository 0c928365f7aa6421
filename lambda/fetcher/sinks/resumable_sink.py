"""Sinks whose bodies a later run finds again."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Protocol

from fetcher.transfer.sink import Sink

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from fetcher.contract.download_results import Download
    from fetcher.contract.source import Item

    # Of the list, in spans: number of the first, and how many.
    ItemsIn = Callable[[Iterable[tuple[int, int]]], Iterator[Item]]


class KnownPositions(Protocol):
    """Positions in a list, from 0."""

    def __contains__(self, position: int, /) -> bool:
        """Tell whether a position is among them."""


class ResumableSink(Sink, Protocol):
    """
    A sink that is resumed: a report has said what is in it.

    Positions are numbers of items, from 0.

    Attributes:
        until: Deadline of the downloads, on the monotonic clock.
    """

    until: float = math.inf

    def key_of(self, item: Item) -> str:
        """Return what only this item's paths have."""

    def key_at(self, path: str) -> str:
        """Return the key of a path that a report told; empty: it is none of ours."""

    def holds(self, path: str, size: int) -> bool:
        """Tell whether a body of so many bytes is at a path that a report told."""

    def unreported(
        self, items_in: ItemsIn, kept: KnownPositions
    ) -> Iterator[tuple[Item, Download]]:
        """
        Yield items that are here, though no report says so, and how they ended.

        A run that is killed may have made their bodies safe a moment before. The kept
        positions are those that a report has; what is yielded is added to them.
        """
        del items_in, kept
        return iter(())

    def stays(self, path: str) -> bool:
        """Tell whether the body at a path cannot be replaced."""
        del path
        return False

    def check(self, kept: KnownPositions, *, is_again: bool = False) -> None:
        """
        Check that a run may add to what is here, changing nothing yet.

        The bodies of the kept positions stay; none, if all is to be fetched again.

        Raises:
            OSError, ValueError: If it may not.
        """
        del kept, is_again

    def begin(self, kept: KnownPositions) -> None:
        """
        Make ready for what a run adds; the bodies of the kept positions stay.

        Raises:
            OSError, ValueError: If nothing can be added.
        """
        del kept

    def complete(self, ended: KnownPositions, *, is_whole: bool) -> None:
        """
        Let others see what was added, once all processes have settled their parts.

        Unless `is_whole`, one of them did not come to its end: then only what `ended`
        has is added, the positions that are accounted for.
        """
        del ended, is_whole
