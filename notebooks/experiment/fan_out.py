"""A plan into reports: one Invoke per shard, so many in flight, waves until done."""

from __future__ import annotations

import asyncio
import json
import sys
from time import time
from typing import TYPE_CHECKING, Any, Self

from tqdm import tqdm

from experiment.ledger import Invocation
from fetcher.outcome import CODE, Outcome
from fetcher.shard import Report
from fetcher.source import numbers_in
from fetcher.tally import Tally
from rollout.errors import RolloutError
from rollout.invoke import Invoker

if TYPE_CHECKING:
    from collections.abc import Iterator

    from experiment.ledger import Run
    from experiment.plan import Plan
    from fetcher.shard import Shard
    from rollout.target import Target

_UNSTARTED = CODE[Outcome.UNSTARTED]


async def fan_out(plan: Plan, target: Target, run: Run) -> None:
    """
    Invoke the plan's shards and append what each answers to the run.

    What a wave leaves unfinished, because a deadline came or an execution died, is
    dealt again in the next, as often as the settings allow. A failed execution never
    ends the run: the error stands in the ledger.

    Args:
        plan: What to ask for.

        target: Where the function is deployed.

        run: Where answers go, as they arrive.
    """
    settings = plan.settings
    source = plan.source
    with Progress(plan.files) as progress:
        async with Invoker(target, in_flight=settings.concurrency) as invoker:
            for number in range(settings.waves):
                shards = _Queue(plan.wave(number, source))
                left = await _wave(plan, invoker, shards, run, progress)
                if not left:
                    return
                source = plan.source.pick(sorted(left))


class _Queue:
    """Shards that wait for an execution to be free."""

    def __init__(self, shards: tuple[Shard, ...]) -> None:
        self.since = time()
        self.shards = iter(shards)
        self.many = len(shards)


async def _wave(
    plan: Plan, invoker: Invoker, queue: _Queue, run: Run, progress: Progress
) -> list[int]:
    """Return the numbers of the URLs that are still to do."""
    left: list[int] = []

    async def keep_one_busy() -> None:
        for shard in queue.shards:
            progress.sent()
            function = plan.settings.function
            done = await _invoke(invoker, function, shard, queue.since)
            run.append(done)
            progress.answered(done)
            left.extend(_unfinished(done))

    async with asyncio.TaskGroup() as group:
        for _ in range(min(plan.settings.concurrency, queue.many)):
            group.create_task(keep_one_busy())
    return left


async def _invoke(
    invoker: Invoker, function: str, shard: Shard, queued_at: float
) -> Invocation:
    sent_at = time()
    answer, report, error = None, None, ""
    try:
        answer = await invoker.invoke(function, shard.to_json())
        report, error = _read(answer.payload, answer.function_error, shard)
    except RolloutError as failed:
        error = str(failed)
    return Invocation(
        wave=shard.wave,
        shard=shard.index,
        source=shard.source,
        queued_at=queued_at,
        invoked_at=answer.sent_at if answer else sent_at,
        answered_at=answer.answered_at if answer else time(),
        throttles=answer.throttles if answer else 0,
        request_id=answer.request_id if answer else "",
        error=error,
        report=report,
    )


def _read(
    payload: bytes, function_error: str | None, shard: Shard
) -> tuple[Report | None, str]:
    try:
        answer: Any = json.loads(payload)
        if function_error:
            failed = answer if isinstance(answer, dict) else {"errorMessage": answer}
            kind = failed.get("errorType", function_error)
            return None, f"the execution failed: {kind}: {failed.get('errorMessage')}"
        report = Report.from_dict(answer)
    except ValueError as error:
        return None, f"the execution answered something else than a report: {error}"
    if len(report.downloads) != len(shard.source):
        return None, (
            f"the execution reported {len(report.downloads):,} URLs; it was asked for "
            f"{len(shard.source):,}"
        )
    return report, ""


def _unfinished(done: Invocation) -> Iterator[int]:
    """Yield the numbers of URLs without an outcome of their own."""
    numbers = numbers_in(done.source.ranges)
    if done.report is None:
        yield from numbers
    elif done.report.tally.counts[Outcome.UNSTARTED]:
        codes = done.report.downloads.columns["outcome"]
        for number, code in zip(numbers, codes, strict=True):
            if code == _UNSTARTED:
                yield number


class Progress:
    """
    What a person sees meanwhile: files/s, MB/s, ok and failed, in flight, time left.

    On standard output: JupyterLab paints what goes to standard error red.
    """

    def __init__(self, files: int) -> None:
        self._bar = tqdm(
            total=files,
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
        self._bar.set_postfix_str(
            f"{rate:,.1f} MB/s, {tally.ok:,} ok, {self._ended - tally.ok:,} failed, "
            f"{self._in_flight} executions in flight",
            refresh=False,
        )
        self._bar.update(more)
