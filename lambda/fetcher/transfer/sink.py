"""What every sink offers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fetcher.contract.source import Item
    from fetcher.transfer.ending import Ending


class Writer(Protocol):
    """One body being kept. Methods raise `OSError` when the sink fails."""

    def write(self, parts: Sequence[bytes]) -> object:
        """Take in the next parts."""

    def commit(self) -> str:
        """Keep the whole body and return where it is; empty: nowhere."""

    def discard(self) -> None:
        """Leave nothing of it behind."""


class Sink(Protocol):
    """
    Where the bodies of one shard go.

    Attributes:
        wants_kind: Whether it makes use of a body's Content-Type.

        settles: Whether what it was given is only safe once `settle` has said so.
    """

    wants_kind: bool = False
    settles: bool = False

    @property
    def is_full(self) -> bool:
        """Whether nothing more should be begun until it has caught up."""
        return False

    def keep(self, item: Item, parts: Sequence[bytes], kind: str = "") -> str:
        """
        Keep a body that has come whole, as `Writer.commit` would; or `OSError`.

        Args:
            item: What it is the body of.

            parts: The body.

            kind: Its Content-Type, if that is wanted; empty: none given.
        """

    def open(self, item: Item, kind: str = "") -> Writer:
        """Make room for a body that comes in parts; `OSError` if there is none."""

    def settle(self) -> Mapping[int, Ending]:
        """
        Wait until all that was kept is safe, once all downloads have ended.

        Returns:
            How those ended after all, by their numbers, whose body was lost on the
            way, or had been kept by another execution of the same shard.
        """
        return {}

    def close(self) -> None:
        """Release what was held, once the shard is done."""
