"""URLs that did not arrive, as callers see them: those of a job page by page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fetcher.contract.outcome import Outcome
from fetcher.security.masking import masked
from fetcher.service.function_url_events import MOST_ANSWER, size_within
from fetcher.service.jobs.results import look
from fetcher.service.jobs.slice_round import ends_of, results_of

if TYPE_CHECKING:
    from fetcher.contract.download_results import Download
    from fetcher.contract.source import Item
    from fetcher.service.jobs.job_context import JobContext

# Each takes some requests to S3; a page must come soon.
_MOST_SLICES = 20
_MOST_PAGE = MOST_ANSWER // 2  # bytes, but for the last error


def error_of(item: Item, end: Download) -> dict[str, Any]:
    """Return the description of a file that did not arrive."""
    return {
        "url": masked(item.url),
        "destination": item.destination,
        "outcome": end.outcome,
        "status": end.status,
        "errorMessage": end.detail or end.outcome,
    }


def errors(
    context: JobContext, after: str, limit: int
) -> tuple[list[dict[str, Any]], str | None]:
    """
    Return at most so many errors, and where the next page begins.

    Returns:
        The errors, in the list's order, and the next page's `after`; None: there are
        no more.
    """
    first, skipped = map(int, after.split("-")) if after else (0, 0)
    faulty = sorted(
        index
        for index, count in look(context).done.errors.items()
        if count and index >= first
    )
    found: list[dict[str, Any]] = []
    size = 0
    for looked, index in enumerate(faulty):
        start = skipped if index == first else 0
        if looked == _MOST_SLICES:
            return found, f"{index}-{start}"
        some = _errors_in(context, index)
        for position, error in enumerate(some[start:], start):
            if len(found) == limit or size >= _MOST_PAGE:
                return found, f"{index}-{position}"
            found.append(error)
            size += size_within(error)
    return found, None


def _errors_in(context: JobContext, index: int) -> list[dict[str, Any]]:
    ended, _ = ends_of(context.store, index, results_of(context.store, index))
    return [
        {"number": item.number, **error_of(item, end)}
        for item, end in ended
        if end.outcome is not Outcome.OK
    ]
