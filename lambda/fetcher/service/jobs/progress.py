"""Progress of a job."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fetcher.contract.outcome import Outcome
from fetcher.service.jobs.abandoned_work_retry import (
    look_after_lanes,
    look_after_planning,
)
from fetcher.service.jobs.results import Totals, look

if TYPE_CHECKING:
    from fetcher.service.jobs.job_context import JobContext
    from fetcher.service.jobs.stored_documents import JobPlan

PLANNING, RUNNING, DONE, FAILED = "planning", "running", "done", "failed"


def progress(context: JobContext) -> dict[str, Any]:
    """
    Return the progress of a job, as callers see it.

    When Lambda has given up a job's executions, it depends on those who ask: work that
    has been silent for longer than an execution can live is requested again.
    """
    plan = context.plan()
    if plan is None:
        look_after_planning(context)
        return _payload(context, PLANNING, None, Totals(), 0)
    if plan.problem:
        return _payload(context, FAILED, plan, Totals(), 0)
    seen = look(context)
    totals = seen.done
    if len(totals.errors) == plan.slices:
        return _payload(context, DONE, plan, totals, 0)
    running = look_after_lanes(context, plan, seen)
    for rounds in seen.rounds.values():
        totals.add(rounds)
    return _payload(context, RUNNING, plan, totals, running)


def _payload(
    context: JobContext, state: str, plan: JobPlan | None, totals: Totals, running: int
) -> dict[str, Any]:
    ended, succeeded = totals.counts.total(), totals.counts[Outcome.OK]
    return {
        "id": context.job.id,
        "state": state,
        "detail": plan.problem if plan else "",
        "createdAt": context.job.created,
        "urls": plan.urls if plan else None,
        "remaining": plan.urls - ended if plan else None,
        "totalSucceeded": succeeded,
        "totalErrors": ended - succeeded,
        "counts": {name: count for name, count in totals.counts.items() if count},
        "bodyBytes": totals.body_bytes,
        "slices": {
            "total": plan.slices if plan else 0,
            "done": len(totals.errors),
            "running": running,
        },
    }
