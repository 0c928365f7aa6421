"""The interface of every engine, and of the work it is given."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from fetcher.contract.downloads import Download
    from fetcher.transfer.attempt import Attempt


class Work(Protocol):
    """The supply of attempts; engines report back how each ended."""

    def next(self) -> Attempt | float | None:
        """
        Return what to do now.

        Returns:
            An attempt to make; or seconds to wait before asking again; or None if
            there is nothing left for the caller.
        """

    def ended(self, attempt: Attempt, download: Download) -> None:
        """Record how an attempt ended."""


class Engine(Protocol):
    """Keeps a given number of downloads in flight until the work is done."""

    name: str

    def run(self, work: Work, deadline_s: float) -> None:
        """
        Make attempts until there are no more, or for this many seconds.

        Attempts in flight at the deadline are broken off, their bodies discarded, and
        never passed to `Work.ended`.
        """

    def stop(self) -> None:
        """Bring the deadline to now. Safe to call from a signal handler."""
