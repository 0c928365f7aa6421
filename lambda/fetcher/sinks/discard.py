"""Sink that throws bodies away, once they are read, checked and counted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fetcher.transfer.sink import WHOLE, Sink

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fetcher.contract.download_results import Download
    from fetcher.contract.source import Item


class Discard(Sink):
    """A sink, and the writer of each of its bodies."""

    tells_sizes = False

    def keep(
        self,
        item: Item,  # noqa: ARG002
        parts: Sequence[bytes],  # noqa: ARG002
        download: Download = WHOLE,  # noqa: ARG002
    ) -> str:
        """Do nothing."""
        return ""

    def open(self, item: Item) -> Discard:  # noqa: ARG002 - every body is the same
        """Return the writer."""
        return self

    def write(self, parts: Sequence[bytes]) -> None:
        """Forget them."""

    def commit(self, download: Download = WHOLE) -> str:  # noqa: ARG002
        """Return an empty path: nothing was kept."""
        return ""

    def discard(self) -> None:
        """Do nothing: nothing was kept."""

    def close(self) -> None:
        """Do nothing: nothing is held."""
