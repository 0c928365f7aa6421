"""Progress of a job; work that dead executions left is requested again."""

from __future__ import annotations

import math
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING, Any

from fetcher.contract.outcome import Outcome
from fetcher.service.jobs.documents import RoundResult, round_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from fetcher.service.jobs.documents import JobPlan
    from fetcher.service.jobs.job_context import JobContext
    from fetcher.service.jobs.store import Entry

PLANNING, RUNNING, DONE, FAILED = "planning", "running", "done", "failed"


@dataclass(slots=True)
class Totals:
    """
    Totals of results.

    Attributes:
        errors: How many URLs did not arrive, by slice, of those that are done.
    """

    errors: dict[int, int] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)
    body_bytes: int = 0

    def add(self, rounds: Iterable[RoundResult]) -> None:
        """Add the results of some rounds."""
        for result in rounds:
            self.counts.update(result.counts)
            self.body_bytes += result.body_bytes

    def to_list(self) -> list[Any]:
        """Return it as a document."""
        return [list(self.errors.items()), self.counts, self.body_bytes]

    @classmethod
    def from_list(cls, document: list[Any] | None) -> Totals:
        """Read it back; zero if there is no document."""
        if document is None:
            return cls()
        errors, counts, body_bytes = document
        return cls(dict(errors), Counter(counts), body_bytes)


@dataclass(frozen=True, slots=True)
class Seen:
    """
    The results as they are now.

    Attributes:
        ages: How long ago a slice's last result was written, in seconds.
    """

    done: Totals
    rounds: Mapping[int, list[RoundResult]]
    ages: Mapping[int, float]


def progress(context: JobContext) -> dict[str, Any]:
    """
    Return the progress of a job, as callers see it.

    When Lambda has given up a job's executions, it depends on those who ask: work that
    has been silent for longer than an execution can live is requested again.
    """
    plan = context.plan()
    if plan is None:
        _look_after_planning(context)
        return _payload(context, PLANNING, None, Totals(), 0)
    if plan.problem:
        return _payload(context, FAILED, plan, Totals(), 0)
    seen = look(context)
    totals = seen.done
    if len(totals.errors) == plan.slices:
        return _payload(context, DONE, plan, totals, 0)
    running = _look_after_lanes(context, plan, seen)
    for rounds in seen.rounds.values():
        totals.add(rounds)
    return _payload(context, RUNNING, plan, totals, running)


def look(context: JobContext) -> Seen:
    """Return what there is of a job's results; add up those that are new."""
    store = context.store
    done = Totals.from_list(store.get("done"))
    known = len(done.errors)
    entries = [(_slice_of(entry), entry) for entry in store.list("results/")]
    ages = {index: entry.age_s for index, entry in entries}
    names = [entry.name for index, entry in entries if index not in done.errors]
    documents = store.get_all(names)
    rounds = defaultdict(list)
    for index, entry in entries:
        if entry.name in documents:
            rounds[index].append(RoundResult(**documents[entry.name]))
    for index in [index for index, some in rounds.items() if some[-1].is_last]:
        some = rounds.pop(index)
        done.add(some)
        ends = chain.from_iterable(result.counts.items() for result in some)
        done.errors[index] = sum(count for end, count in ends if end != Outcome.OK)
    if len(done.errors) > known:
        store.put("done", done.to_list())
    return Seen(done, rounds, ages)


def _look_after_planning(context: JobContext) -> None:
    claims = context.store.list("claims/plan-")
    age_s = claims[-1].age_s if claims else time.time() - context.job.created_at
    if age_s > context.patience_s and _may_nudge(context):
        context.request_plan()


def _look_after_lanes(context: JobContext, plan: JobPlan, seen: Seen) -> int:
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


def _slice_of(entry: Entry) -> int:
    return int(entry.name.partition("/")[2].partition("-")[0])


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
