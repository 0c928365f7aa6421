"""Work that dead executions left is requested again."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

from fetcher.service.jobs.stored_documents import round_name

if TYPE_CHECKING:
    from fetcher.service.jobs.job_context import JobContext
    from fetcher.service.jobs.results import Seen
    from fetcher.service.jobs.stored_documents import JobPlan


def look_after_planning(context: JobContext) -> None:
    """Request the plan again if nobody is at it."""
    claims = context.store.list("claims/plan-")
    age_s = claims[-1].age_s if claims else time.time() - context.job.created_at
    if age_s > context.patience_s and _may_nudge(context):
        context.request_plan()


def look_after_lanes(context: JobContext, plan: JobPlan, seen: Seen) -> int:
    """Request abandoned slices again; return how many are being worked on."""
    claims = context.store.list("claims/")
    claimed = {entry.name.rpartition("-")[0]: entry.age_s for entry in claims}
    planned_s = min((entry.age_s for entry in context.store.list("plan")), default=0.0)
    running, silent = 0, []
    for lane in range(min(plan.lanes, plan.slices)):
        slices = range(lane, plan.slices, plan.lanes)
        index = next((one for one in slices if one not in seen.done.errors), None)
        if index is None:
            continue
        work = round_name(index, len(seen.rounds.get(index, ())))
        claimed_s = claimed.get(f"claims/{work}", math.inf)
        before_s = seen.ages.get(index, seen.ages.get(index - plan.lanes, planned_s))
        if claimed_s <= context.patience_s:
            running += 1
        elif before_s > context.patience_s:
            silent.append(index)
    if silent and _may_nudge(context):
        for index in silent:
            context.request_slice(index)
    return running


def _may_nudge(context: JobContext) -> bool:
    """Tell whether work may be requested again: not each time that somebody asks."""
    before = context.store.list("nudged")
    if before and before[0].age_s <= context.patience_s:
        return False
    context.store.put("nudged", time.time())
    return True
