"""The interface of every engine, and of the work it is given."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from fetcher.contract.download_results import Download
    from fetcher.contract.outcome import Outcome
    from fetcher.transfer.attempt import Attempt

JUDGE_EVERY_S = 0.1


class Work(Protocol):
    """
    The supply of attempts; engines report how each is doing, and how it ended.

    Attributes:
        most_open: The most attempts that are ever in flight.
    """

    most_open: int

    def next(self) -> Attempt | float | None:
        """
        Return what to do now.

        Returns:
            An attempt to make; or seconds to wait before asking again, unless one ends
            before; or None if there is nothing left but what is in flight.
        """

    def judge(self, attempt: Attempt, now: float) -> tuple[Outcome, str] | None:
        """
        Return how an attempt in flight must end because it takes too long, if it must.

        Called every `JUDGE_EVERY_S` for each, with its `stage` and `received` brought
        up to date: that is also how the silent are told from those at work. `now` is
        from before the engine last read, so that a process that stood still does not
        take for silence what waits in its sockets.
        """

    def ended(self, attempt: Attempt, download: Download) -> None:
        """Record how an attempt ended."""


class Engine(Protocol):
    """Makes the attempts it is given, all at once, until the work is done."""

    name: str

    def run(self, work: Work, deadline_s: float) -> None:
        """
        Make attempts until there are no more, or for this many seconds.

        Attempts in flight at the deadline are broken off, their bodies discarded, and
        never passed to `Work.ended`.
        """

    def stop(self) -> None:
        """Bring the deadline to now. Safe to call from a signal handler."""
