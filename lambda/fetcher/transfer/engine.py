"""What every engine offers, and where it gets its work."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from fetcher.transfer.attempt import Attempt
    from fetcher.transfer.ending import Ending


class Work(Protocol):
    """Where an engine gets attempts and brings their endings."""

    def next(self) -> Attempt | float | None:
        """
        Return what to do now.

        Returns:
            An attempt to make; or seconds to wait and ask again; or None: whoever
            asked is not needed any more.
        """

    def ended(self, attempt: Attempt, ending: Ending) -> None:
        """Take in how an attempt ended."""


class Engine(Protocol):
    """Keeps as many downloads in flight as it was told, until the work is done."""

    name: str

    def run(self, work: Work, deadline_s: float) -> None:
        """
        Make attempts until there are no more, or for this many seconds.

        What is in flight at the deadline is broken off and its body discarded; it
        never comes back through `Work.ended`.
        """

    def stop(self) -> None:
        """Bring the deadline to now. Safe to call from a signal handler."""
