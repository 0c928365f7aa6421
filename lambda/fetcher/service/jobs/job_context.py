"""The job that an invocation works for: its documents, and the way to others."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from fetcher.service.jobs.self_invocation import Events
from fetcher.service.jobs.store import Store
from fetcher.service.jobs.stored_documents import Job, JobPlan

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fetcher.service.call_context import CallContext

MOST_ATTEMPTS = 6  # at a piece of work; Lambda makes three of each event

# From its timeout on an execution is gone; clocks may differ a little.
_CLOCKS_S = 2.0


class NoJobError(LookupError):
    """There is no such job."""


class JobContext(NamedTuple):
    """A job as an invocation works for it."""

    job: Job
    store: Store
    events: Events
    call: CallContext

    @property
    def patience_s(self) -> float:
        """Seconds after which a silent execution is certainly gone."""
        return self.call.timeout_s + _CLOCKS_S

    def plan(self) -> JobPlan | None:
        """Return the job's plan; None if there is none yet."""
        document = self.store.get("plan")
        return None if document is None else JobPlan(**document)

    def request_plan(self) -> None:
        """Have another execution plan the job."""
        self.events.send({"job": self.job.id})

    def request_slice(self, index: int) -> None:
        """Have another execution work on a slice."""
        self.events.send({"job": self.job.id, "slice": index})

    def claim(self, work: str) -> int | None:
        """
        Begin a piece of work, unless another execution is doing it.

        An earlier one is known to be gone when its time must be over, or when this is
        the same event once more: Lambda repeats events that failed.

        Returns:
            The number of this attempt, from 0; None: another is at work.
        """
        claims = self.store.list(f"claims/{work}-")
        me = {"request": self.call.context.aws_request_id, "at": time.time()}
        if claims and claims[-1].age_s <= self.patience_s:
            other = self.store.get(claims[-1].name)
            if other["request"] != me["request"]:
                return None
        attempt = len(claims)
        name = f"claims/{work}-{attempt:02}"
        return attempt if self.store.create(name, me) else None


def store_of(job_id: str, call: CallContext) -> Store:
    """Return the store of a job's documents, whether there are any or not."""
    return Store(call.settings.bucket, job_id, call.until)


def job_in(store: Store) -> Job | None:
    """Return the job in a store; None if there is none."""
    document = store.get("job")
    return None if document is None else Job.from_dict(document)


@contextmanager
def working_for(job: Job, store: Store, call: CallContext) -> Iterator[JobContext]:
    """Return a job, with a way to have others work for it."""
    with Events(call.context.invoked_function_arn, call.until) as events:
        yield JobContext(job, store, events, call)


@contextmanager
def open_job(job_id: str, call: CallContext) -> Iterator[JobContext]:
    """Open a job to work for it; `NoJobError` if there is none."""
    with store_of(job_id, call) as store:
        job = job_in(store)
        if job is None:
            msg = f"There is no job {job_id}."
            raise NoJobError(msg)
        with working_for(job, store, call) as context:
            yield context
