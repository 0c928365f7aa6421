"""The URLs of a job that did not arrive, page by page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fetcher.api_download import error_of
from fetcher.jobs_progress import look
from fetcher.jobs_slice import ends_of, results_of
from fetcher.outcome import Outcome

if TYPE_CHECKING:
    from fetcher.jobs_hands import Hands

# Each takes some requests to S3; a page must come soon.
_MOST_SLICES = 20


def errors(
    hands: Hands, after: str, limit: int
) -> tuple[list[dict[str, Any]], str | None]:
    """
    Return some errors, and where the next page begins.

    Args:
        hands: The job's.

        after: What was returned with the page before; empty: there is none.

        limit: How many to return at most.

    Returns:
        The errors, in the list's order, and the next page's `after`; None: that is
        all there is.
    """
    first, skipped = map(int, after.split("-")) if after else (0, 0)
    faulty = sorted(
        index
        for index, many in look(hands).done.errors.items()
        if many and index >= first
    )
    found: list[dict[str, Any]] = []
    for looked, index in enumerate(faulty):
        start = skipped if index == first else 0
        if looked == _MOST_SLICES or len(found) == limit:
            return found, f"{index}-{start}"
        some = _errors_in(hands, index)[start:]
        room = limit - len(found)
        found += some[:room]
        if len(some) > room:
            return found, f"{index}-{start + room}"
    return found, None


def _errors_in(hands: Hands, index: int) -> list[dict[str, Any]]:
    ended, _ = ends_of(hands.store, index, results_of(hands.store, index))
    return [
        {"number": item.number, **error_of(item, end)}
        for item, end in ended
        if end.outcome is not Outcome.OK
    ]
