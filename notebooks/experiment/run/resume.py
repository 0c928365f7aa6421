"""What is left to do of a run, going by its ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING

from experiment.ledger.download_rows import OK, UNSTARTED, rows_of
from experiment.ledger.reports import read_invocations
from experiment.number_set import ENDLESS, NumberSet, numbers_of
from experiment.plan.plan import Todo
from fetcher.s3.urls import prefix_of
from rollout.deploy import leftover_tars

if TYPE_CHECKING:
    from experiment.ledger.run_folder import Run
    from experiment.plan.plan import Plan
    from rollout.target.target import Target


def to_do(plan: Plan, run: Run) -> tuple[Todo, int]:
    """
    Return which URLs are to be fetched, and the number of the first wave.

    Of a run without a line that is everything; else what has no outcome yet, or is
    not ok, as the settings say.
    """
    ended, ok, first = NumberSet(), NumberSet(), 0
    for done in read_invocations(run.folder):
        first = max(first, done.wave + 1)
        if done.report:
            numbers = numbers_of(done.ranges)
            codes = rows_of(done.report.downloads)["outcome"]
            ended.add(numbers[codes != UNSTARTED])
            ok.add(numbers[codes == OK])
    settings = plan.settings
    if settings.retry_failed and not settings.resume:
        failed = ended.without(ok)
        return Todo(failed.ranges(), len(failed)), first
    done_with = ok if settings.retry_failed else ended
    many = None if plan.many is None else plan.many - len(done_with)
    return Todo(done_with.gaps(plan.many or ENDLESS), many), first


def seal_unreported(plan: Plan, target: Target, run: Run) -> int:
    """
    See that shards that did not report have kept nothing in a tar.

    Their URLs are about to be dealt again, and each is to be in one tar. What is still
    at work finds its tar sealed; but a run that died and goes on knows nothing of
    shards whose answers never came, until they have begun to keep something.

    Returns:
        The number of the first wave whose tars are not sealed: executions of an
        earlier one would fetch everything, and could keep none of it.

    Raises:
        DeployError: If S3 refuses.
    """
    if plan.settings.sink != "s3-tar":
        return 0
    asked, reported = set(), set()
    for done in read_invocations(run.folder):
        asked.add((done.wave, done.shard))
        if done.report and done.report.tally.ok:  # or its tar holds nothing of worth
            reported.add((done.wave, done.shard))
    prefix = prefix_of(plan.settings.sink_path)
    sealed = leftover_tars.seal_unreported(target, prefix, plan.run, asked, reported)
    return max((wave + 1 for wave, _ in sealed), default=0)
