"""The progress bar of a run."""

from __future__ import annotations

import asyncio
import math
import sys
from collections import deque
from time import time
from typing import TYPE_CHECKING, Self

from tqdm import tqdm

from experiment.plan.shard_sizes import sizes_for
from fetcher.contract.options import MAX_CONNECTIONS
from fetcher.contract.outcome import Outcome
from fetcher.contract.tally import Tally
from fetcher.transfer.flow.adaptive_limit import FIRST

if TYPE_CHECKING:
    from collections.abc import Callable

    from experiment.ledger.invocation import Invocation
    from experiment.parameters.fan_out import FanOutSettings
    from experiment.plan.run_plan import Plan, Todo

# tqdm's own time left is 0 s while nothing but the slowest is left.
_FORMAT = (
    "{percentage:3.0f}%|{bar}| {n_fmt}/{total_fmt} [{elapsed}, {rate_fmt}{postfix}]"
)
_RECENT_S = 10.0  # the rate of which tells how long the rest will take
_SILENT_TRIES = 2
_OPEN_PER_CONNECTION = 8  # silent downloads wait in one place


class Progress:
    """
    A bar of files, files/s, MB/s, ok and failed, in flight, time left.

    A file counts once its outcome is final, so that the bar never goes back.

    It goes to standard output: JupyterLab paints standard error red.

    Args:
        before: How many of its files were done before, in a resumed run.

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
            file=sys.stdout,
            mininterval=0.5,
            smoothing=0,  # files come by the shard: any rate but the mean would leap
            disable=not shown,
            bar_format=_FORMAT,
        )
        self._began_at = time()
        self._recent = deque([(self._began_at, before)])  # when, files done
        self._tally = Tally()
        self._ended = 0
        self._in_flight = 0
        self._all_done_by = math.inf

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.close()

    def sent(self) -> None:
        """Count one more execution in flight."""
        self._in_flight += 1
        self._show()

    def next_wave(self, todo: Todo) -> None:
        """
        Take note that some URLs are tried again.

        Most of them wait in vain. How long that can take is known; a rate is not.
        """
        self._all_done_by = math.inf
        if todo.total and 2 * todo.tried >= todo.total:
            settings, self._served = self._plan.settings, None
            self._all_done_by = time() + longest_s(settings, todo.total)

    async def tick(self) -> None:
        """Show how far the files are while no answer comes, and that time passes."""
        served = await asyncio.to_thread(self._served) if self._served else None
        if served is not None and self._served_before is not None:
            # A failed request is repeated, and the rest is not reported yet.
            files = self._before + served - self._served_before
            self._advance(min(files, self._plan.files))
        self._show()
        self._bar.refresh()

    def answered(self, done: Invocation, left: int, *, is_last: bool) -> None:
        """
        Count an invocation that ended.

        Of its URLs, `left` have no outcome or may get a better one; in the last wave,
        only those without any are not done.
        """
        self._in_flight -= 1
        if done.report:
            tally = done.report.tally
            self._tally.merge(tally)
            open_ = tally.counts[Outcome.UNSTARTED] if is_last else left
            self._ended += tally.files - open_
        self._show()

    def _show(self) -> None:
        tally = self._tally
        rate = tally.body_bytes / max(time() - self._began_at, 1e-9) / 1e6
        self._bar.total = self._plan.files  # a long list's is known at its end
        self._bar.set_postfix_str(
            f"{rate:,.1f} MB/s, {tally.ok:,} ok, {self._ended - tally.ok:,} failed, "
            f"{self._in_flight} executions in flight{self._rest()}",
            refresh=False,
        )
        self._advance(self._before + self._ended)

    def _rest(self) -> str:
        """Say how long the rest will take; nothing while that is not known."""
        now, done = time(), int(self._bar.n)
        left = self._plan.files - done
        if self._all_done_by < math.inf:
            return (
                f"; {left:,} unresponsive or failed before, done within "
                f"{max(self._all_done_by - now, 0):,.0f} s"
            )
        self._recent.append((now, done))
        while now - self._recent[0][0] > _RECENT_S and len(self._recent) > 2:  # noqa: PLR2004
            self._recent.popleft()
        since, before = self._recent[0]
        if left <= 0 or done <= before:
            return ""
        return f", {left * (now - since) / (done - before):,.0f} s left"

    def _advance(self, files: int) -> None:
        self._bar.update(max(0, files - self._bar.n))


def longest_s(settings: FanOutSettings, urls: int) -> float:
    """Return for how long URLs can be waited for that are all silent."""
    options = settings.options(allow_private=False)
    silence_s = max(options.connect_timeout_s, options.read_timeout_s)
    connections = options.connections or FIRST
    open_ = min(MAX_CONNECTIONS, _OPEN_PER_CONNECTION * connections)
    shard = next(iter(sizes_for(settings, urls, urls)))
    return math.ceil(shard / open_) * _SILENT_TRIES * silence_s
