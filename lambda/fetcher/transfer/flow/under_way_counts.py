"""What is under way, and how it behaves."""

from __future__ import annotations

from typing import NamedTuple


class UnderWay(NamedTuple):
    """
    URLs that were begun and have not ended.

    Attributes:
        working: Those from which something comes.

        silent: Those from which nothing does, or did: they are tried once more.

        waiting: Those that wait for a host which is limited, busy or gone.

        settling: Those whose bodies have come, and that the sink has not made safe.
    """

    working: int = 0
    silent: int = 0
    waiting: int = 0
    settling: int = 0

    def since(self, before: UnderWay) -> UnderWay:
        """Return the difference."""
        return UnderWay(*(now - then for now, then in zip(self, before, strict=True)))

    def and_more(self, more: UnderWay) -> UnderWay:
        """Return the sum."""
        return UnderWay(*(one + other for one, other in zip(self, more, strict=True)))
