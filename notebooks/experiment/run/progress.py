"""What a person sees while a run goes on."""

from __future__ import annotations

import sys
from time import time
from typing import TYPE_CHECKING, Self

from tqdm import tqdm

from fetcher.contract.outcome import Outcome
from fetcher.contract.tally import Tally

if TYPE_CHECKING:
    from experiment.ledger.invocation import Invocation
    from experiment.plan.plan import Plan


class Progress:
    """
    Files/s, MB/s, ok and failed, in flight, time left.

    On standard output: JupyterLab paints what goes to standard error red.

    Args:
        plan: What is going to be fetched.

        before: How many of it had been, when a run is continued.
    """

    def __init__(self, plan: Plan, before: int) -> None:
        self._plan = plan
        self._bar = tqdm(
            total=plan.files,
            initial=before,
            unit=" files",
            unit_scale=False,
            file=sys.stdout,
            mininterval=0.5,
        )
        self._began = time()
        self._tally = Tally()
        self._in_flight = 0

    def __enter__(self) -> Self:
        """Show the bar."""
        return self

    def __exit__(self, *_: object) -> None:
        """Leave the last figures standing."""
        self._bar.close()

    def sent(self) -> None:
        """Count one more execution at work."""
        self._in_flight += 1
        self._show(0)

    def answered(self, done: Invocation) -> None:
        """Count what it brought."""
        self._in_flight -= 1
        before = self._ended
        if done.report:
            self._tally.merge(done.report.tally)
        self._show(self._ended - before)

    @property
    def _ended(self) -> int:
        return self._tally.files - self._tally.counts[Outcome.UNSTARTED]

    def _show(self, more: int) -> None:
        tally = self._tally
        rate = tally.body_bytes / max(time() - self._began, 1e-9) / 1e6
        self._bar.total = self._plan.files  # a long list tells its length at its end
        self._bar.set_postfix_str(
            f"{rate:,.1f} MB/s, {tally.ok:,} ok, {self._ended - tally.ok:,} failed, "
            f"{self._in_flight} executions in flight",
            refresh=False,
        )
        self._bar.update(more)
