"""A plan carried out: wave after wave, until every URL has its outcome."""

from __future__ import annotations

from typing import TYPE_CHECKING

from experiment.plan.run_plan import Todo
from experiment.run.gone_host_sharing import GoneHosts
from experiment.run.progress import Progress
from experiment.run.resume import seal_unreported, to_do
from experiment.run.wave import Wave
from rollout.invoke.invoker import Invoker

if TYPE_CHECKING:
    from collections.abc import Callable

    from experiment.ledger.run_folder import Run
    from experiment.plan.run_plan import Plan
    from rollout.target.connection import Target


async def fan_out(
    plan: Plan,
    target: Target,
    run: Run,
    *,
    shows_progress: bool = True,
    served: Callable[[], int | None] | None = None,
) -> None:
    """
    Invoke the function for every shard of a plan and append the reports to the run.

    URLs that a wave leaves without an outcome, because of a deadline or a dead
    execution, or that may get a better one, are dealt again in the next wave, as often
    as the settings allow. In every wave but the last, executions hand back URLs that
    are silent instead of waiting for them; a few executions then wait for all. A failed
    execution never ends the run: the ledger has its error. A resumed run requests only
    what is left to do.

    Raises:
        FanOutError: If the target no longer answers.

        LedgerError: If the folder of the run cannot take more.

        rollout.errors.DeployError: If S3 refuses to seal leftover tars.

        fetcher.lists.url_list.UrlListError: If the list changes meanwhile.
    """
    gone = GoneHosts()
    todo, first = to_do(plan, run, gone)
    if run.session:
        first = max(first, seal_unreported(plan, target, run))
    before = 0 if todo.total is None else plan.files - todo.total
    if plan.settings.target == "aws" and not target.is_aws:
        run.record["stand_in"] = target.lambda_url
    if plan.pilot:
        run.record["pilot"] = dict(plan.pilot)
    with Progress(plan, before, shown=shows_progress, served=served) as progress:
        async with Invoker(target, in_flight=plan.settings.concurrency) as invoker:
            last = first + plan.settings.waves - 1
            for number in range(first, last + 1):
                if number > first:
                    seal_unreported(plan, target, run)
                    progress.next_wave(todo)
                wave = Wave(
                    number,
                    plan,
                    run,
                    invoker,
                    progress,
                    gone=gone,
                    is_last=number == last,
                )
                left = await wave.go(plan.wave(number, todo))
                if not left:
                    break
                todo = Todo(left.ranges(), len(left), wave.tried)
    if run.session:  # executions left at work when the run died may have ended since
        seal_unreported(plan, target, run)
