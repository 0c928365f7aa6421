"""What every sink offers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fetcher.source import Item


class Writer(Protocol):
    """One body being kept. Methods raise `OSError` when the sink fails."""

    def write(self, parts: Sequence[bytes]) -> object:
        """Take in the next parts."""

    def commit(self) -> str:
        """Keep the whole body and return where it is; empty: nowhere."""

    def discard(self) -> None:
        """Leave nothing of it behind."""


class Sink(Protocol):
    """Where the bodies of one shard go."""

    def keep(self, item: Item, parts: Sequence[bytes]) -> str:
        """Keep a body that has come whole, as `Writer.commit` would; or `OSError`."""

    def open(self, item: Item) -> Writer:
        """Make room for a body that comes in parts; `OSError` if there is none."""

    def close(self) -> None:
        """Release what was held, once the shard is done."""
