"""The progress bar of a run."""

from __future__ import annotations

import asyncio
import sys
from time import time
from typing import TYPE_CHECKING, Self

from tqdm import tqdm

from fetcher.contract.outcome import Outcome
from fetcher.contract.tally import Tally

if TYPE_CHECKING:
    from collections.abc import Callable

    from experiment.ledger.invocation import Invocation
    from experiment.plan.plan import Plan


class Progress:
    """
    A bar of files/s, MB/s, ok and failed, in flight, time left.

    It goes to standard output: JupyterLab paints standard error red.

    Args:
        plan: The plan of the run.

        before: How many of its files were done before, in a resumed run.

        shown: Whether to show it.

        served: Counts the origin's requests: files, before an execution reports them.
    """

    def __init__(
        self,
        plan: Plan,
        before: int,
        *,
        shown: bool = True,
        served: Callable[[], int | None] | None = None,
    ) -> None:
        self._plan = plan
        self._before = before
        self._served = served
        self._served_before = served() if served else None
        self._bar = tqdm(
            total=plan.files,
            initial=before,
            unit=" files",
            unit_scale=False,
            file=sys.stdout,
            mininterval=0.5,
            disable=not shown,
        )
        self._began_at = time()
        self._tally = Tally()
        self._in_flight = 0

    def __enter__(self) -> Self:
        """Show the bar."""
        return self

    def __exit__(self, *_: object) -> None:
        """Leave the last figures on the screen."""
        self._bar.close()

    def sent(self) -> None:
        """Count one more execution in flight."""
        self._in_flight += 1
        self._show()

    async def tick(self) -> None:
        """Show how far the files are while no answer comes, and that time passes."""
        served = await asyncio.to_thread(self._served) if self._served else None
        if served is not None and self._served_before is not None:
            # A failed request is repeated, and the rest is not reported yet.
            files = self._before + served - self._served_before
            self._advance(min(files, self._plan.files))
        self._bar.refresh()

    def answered(self, done: Invocation) -> None:
        """Count an invocation that ended."""
        self._in_flight -= 1
        if done.report:
            self._tally.merge(done.report.tally)
        self._show()

    @property
    def _ended(self) -> int:
        return self._tally.files - self._tally.counts[Outcome.UNSTARTED]

    def _show(self) -> None:
        tally = self._tally
        rate = tally.body_bytes / max(time() - self._began_at, 1e-9) / 1e6
        self._bar.total = (
            self._plan.files
        )  # the length of a long list is known at its end
        self._bar.set_postfix_str(
            f"{rate:,.1f} MB/s, {tally.ok:,} ok, {self._ended - tally.ok:,} failed, "
            f"{self._in_flight} executions in flight",
            refresh=False,
        )
        self._advance(self._before + self._ended)

    def _advance(self, files: int) -> None:
        self._bar.update(max(0, files - self._bar.n))
