"""A plan into reports: wave after wave, until every URL has its outcome."""

from __future__ import annotations

from typing import TYPE_CHECKING

from experiment.plan.plan import Todo
from experiment.run.progress import Progress
from experiment.run.resume import seal_unreported, to_do
from experiment.run.wave import Wave
from rollout.invoke.invoker import Invoker

if TYPE_CHECKING:
    from experiment.ledger.run_folder import Run
    from experiment.plan.plan import Plan
    from rollout.target.target import Target


async def fan_out(plan: Plan, target: Target, run: Run) -> None:
    """
    Invoke the plan's shards and append what each answers to the run.

    What a wave leaves unfinished, because a deadline came or an execution died, and
    what may end better when tried again, is dealt again in the next, as often as the
    settings allow. A failed execution never ends the run: the error stands in the
    ledger. Of a run that is continued, only what is left to do is asked for.

    Args:
        plan: What to ask for.

        target: Where the function is deployed.

        run: Where answers go, as they arrive.

    Raises:
        FanOutError: If the target does not answer any more.

        LedgerError: If the run's folder takes no more.

        rollout.errors.DeployError: If S3 does not let us see to what was kept there.

        fetcher.lists.url_list.UrlListError: If the list changes meanwhile.
    """
    todo, first = to_do(plan, run)
    if run.session:
        first = max(first, seal_unreported(plan, target, run))
    before = 0 if todo.many is None else plan.files - todo.many
    with Progress(plan, before) as progress:
        async with Invoker(target, in_flight=plan.settings.concurrency) as invoker:
            for number in range(first, first + plan.settings.waves):
                if number > first:
                    seal_unreported(plan, target, run)
                wave = Wave(number, plan, run, invoker, progress)
                left = await wave.go(plan.wave(number, todo))
                if not left:
                    break
                todo = Todo(left.ranges(), len(left))
    if run.session:  # of what the run's death left at work, some may have ended since
        seal_unreported(plan, target, run)
