"""What whoever works for a job has at hand."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from fetcher.service.jobs.documents import Job, JobPlan
from fetcher.service.jobs.events import Events
from fetcher.service.jobs.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fetcher.service.call import Call

MOST_ATTEMPTS = 6  # at a piece of work; Lambda makes three of each event

# From its timeout on an execution is gone; clocks may differ a little.
_CLOCKS_S = 2.0


class JobContext(NamedTuple):
    """
    What it takes to work for a job.

    Attributes:
        job: What is to be done.

        store: The job's documents.

        events: Reach other executions.

        call: This invocation.
    """

    job: Job
    store: Store
    events: Events
    call: Call

    @property
    def patience_s(self) -> float:
        """After how long an execution that has left no word is gone for sure."""
        return self.call.timeout_s + _CLOCKS_S

    def plan(self) -> JobPlan | None:
        """Return the job's plan; None if there is none yet."""
        document = self.store.get("plan")
        return None if document is None else JobPlan(**document)

    def request_plan(self) -> None:
        """Have the job planned."""
        self.events.send({"job": self.job.id})

    def request_slice(self, index: int) -> None:
        """Have a slice worked on."""
        self.events.send({"job": self.job.id, "slice": index})

    def claim(self, work: str) -> int | None:
        """
        Begin a piece of work, unless another execution is at it.

        Who was at it before is known to be gone when the time it had must be over, or
        when this is the same event once more: Lambda repeats what has failed.

        Returns:
            Which attempt at it this is, from 0; None: it is another's.
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


def store_of(job_id: str, call: Call) -> Store:
    """Return the documents of a job, whether there are any or not."""
    return Store(call.settings.bucket, job_id, call.until)


@contextmanager
def open_job(job: Job, store: Store, call: Call) -> Iterator[JobContext]:
    """Bring together what it takes to work for a job."""
    with Events(call.context.invoked_function_arn, call.until) as events:
        yield JobContext(job, store, events, call)


def job_in(store: Store) -> Job | None:
    """Return the job that the documents are of; None if there is none."""
    document = store.get("job")
    return None if document is None else Job.from_dict(document)
