"""Handling of the events that executions send for a job."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fetcher.service.jobs.job_context import job_in, open_job, store_of
from fetcher.service.jobs.plan import plan
from fetcher.service.jobs.slice import work

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fetcher.service.call_context import CallContext


def is_of_job(event: object) -> bool:
    """Tell whether an event was sent by an execution for a job."""
    return isinstance(event, dict) and "job" in event


def carry_on(event: Mapping[str, Any], call: CallContext) -> None:
    """
    Plan a job, or work on a slice of it.

    Raises:
        LookupError: If there is no such job.
    """
    with store_of(event["job"], call) as store:
        job = job_in(store)
        if job is None:
            msg = f"There is no job {event['job']} in {call.settings.bucket}."
            raise LookupError(msg)
        with open_job(job, store, call) as context:
            if "slice" in event:
                work(context, event["slice"])
            else:
                plan(context)
