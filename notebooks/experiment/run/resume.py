"""The work left to do of a run, according to its ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING

from experiment.ledger.download_array import OK, UNSTARTED, rows_of
from experiment.ledger.ledger_file import read_invocations
from experiment.ledger.number_set import NumberSet, numbers_of
from experiment.plan.run_plan import Todo
from experiment.run.unfinished_urls import tried_in
from fetcher.lists.url_list import ENDLESS
from fetcher.s3.urls import prefix_of
from rollout.deploy import leftover_tars

if TYPE_CHECKING:
    from experiment.ledger.run_folder import Run
    from experiment.plan.run_plan import Plan
    from experiment.run.gone_host_sharing import GoneHosts
    from rollout.target.connection import Target


def to_do(plan: Plan, run: Run, gone: GoneHosts | None = None) -> tuple[Todo, int]:
    """
    Return which URLs to fetch, and the number of the first wave.

    Without a ledger that is all of them; with one, those that have no outcome or are
    not ok, as the settings say. `gone` learns what the ledger knows of hosts.
    """
    ended, ok, tried, first = NumberSet(), NumberSet(), NumberSet(), 0
    for done in read_invocations(run.folder):
        first = max(first, done.wave + 1)
        if done.report:
            numbers = numbers_of(done.ranges)
            codes = rows_of(done.report.downloads)["outcome"]
            ended.add(numbers[codes != UNSTARTED])
            ok.add(numbers[codes == OK])
            tried.add(tried_in(done))
            if gone:
                gone.learn(done.report)
    settings = plan.settings
    if settings.retry_failed and not settings.resume:
        failed = ended.without(ok)
        return Todo(failed.ranges(), len(failed), len(failed)), first
    finished = ok if settings.retry_failed else ended
    left = None if plan.many is None else plan.many - len(finished)
    gaps = finished.gaps(plan.many or ENDLESS)
    return Todo(gaps, left, len(tried.without(finished))), first


def seal_unreported(plan: Plan, target: Target, run: Run) -> int:
    """
    Seal the tars of shards that did not report.

    Their URLs are about to be dealt again, and each must end in one tar. An execution
    still at work finds its tar sealed. A resumed run knows of shards that never
    reported only once their tars exist.

    Returns:
        The number of the first wave whose tars are not sealed: executions of an earlier
        one would download everything and could keep nothing.

    Raises:
        DeployError: If S3 refuses.
    """
    if plan.settings.sink != "s3-tar":
        return 0
    requested, reported = set(), set()
    for done in read_invocations(run.folder):
        requested.add((done.wave, done.shard))
        if done.report and done.report.tally.ok:  # otherwise its tar holds nothing
            reported.add((done.wave, done.shard))
    prefix = prefix_of(plan.settings.sink_path)
    sealed = leftover_tars.seal_unreported(
        target, prefix, plan.run, requested, reported
    )
    return max((wave + 1 for wave, _ in sealed), default=0)
