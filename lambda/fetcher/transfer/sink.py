"""The interface of every sink."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from fetcher.contract.download_results import Download
from fetcher.contract.outcome import Outcome

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fetcher.contract.source import Item

WHOLE = Download(Outcome.OK, 200)  # of a body of which nothing else is known


class Writer(Protocol):
    """One body being kept. Methods raise `OSError` when the sink fails."""

    def write(self, parts: Sequence[bytes]) -> object:
        """Add the next parts."""

    def commit(self, download: Download = WHOLE) -> str:
        """
        Keep the whole body and return where it is; empty: nowhere.

        Args:
            download: What is known of it by now.
        """

    def discard(self) -> None:
        """Leave nothing of it behind."""


class Sink(Protocol):
    """
    Where the bodies of one shard go.

    Attributes:
        settles: Whether bodies are only safe once `settle` has returned.

        tells_sizes: Whether it, or a report, has use for the size of a picture.
    """

    settles: bool = False
    tells_sizes: bool = True

    @property
    def is_full(self) -> bool:
        """Whether no download should start until the sink has caught up."""
        return False

    def keep(
        self, item: Item, parts: Sequence[bytes], download: Download = WHOLE
    ) -> str:
        """
        Keep a body that has arrived whole, as `Writer.commit` would; or `OSError`.

        Args:
            item: The item it belongs to.

            parts: The body.

            download: What is known of it.
        """

    def open(self, item: Item) -> Writer:
        """Start a body that arrives in parts; `OSError` if there is no room."""

    def settled(self) -> Mapping[int, Download | None]:
        """
        Return what has become safe, or was lost, since this was asked last.

        Returns:
            By number, None, or how the download ended after all.
        """
        return {}

    def settle(self) -> Mapping[int, Download]:
        """
        Wait until everything kept is safe, once all downloads have ended.

        Returns:
            Corrections, by number: downloads whose body was lost on the way, or had
            been kept by another execution of the same shard.
        """
        return {}

    def close(self) -> None:
        """Release resources, once the shard is done."""
