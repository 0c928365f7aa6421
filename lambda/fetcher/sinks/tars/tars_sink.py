"""What sinks of tars share: they are asked what is in them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from fetcher.sinks.resumable_sink import ResumableSink
from fetcher.sinks.tars.tar_reading import position_of

if TYPE_CHECKING:
    from pathlib import Path

    from fetcher.contract.source import Item
    from fetcher.sinks.resumable_sink import KnownPositions
    from fetcher.sinks.tars.contents import Contents


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
