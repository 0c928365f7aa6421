"""How a job is dealt out: its list cut into slices, the first of which are begun."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from fetcher.contract.source import Inline, source_from_dict
from fetcher.handler import usable_s
from fetcher.lists.url_list import UrlListError
from fetcher.s3.errors import LateError
from fetcher.service.jobs.context import MOST_ATTEMPTS
from fetcher.service.jobs.documents import JobPlan, slice_name
from fetcher.service.jobs.manifest import manifest

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from fetcher.contract.source import Item
    from fetcher.service.jobs.context import JobContext

# As many as are downloaded at once; fewer would leave connections idle.
_LEAST = 100
_MOST = 1_000

# Files of 1.7 MB at 58.6 MB/s, which an execution has been reported to reach:
# https://github.com/0xIbra/million-downloads
_FILES_PER_S = 34


def most_urls(timeout_s: float) -> int:
    """
    Return how many URLs an execution with this timeout should be asked for.

    >>> most_urls(300), most_urls(30)
    (10132, 952)
    """
    return max(1, int(usable_s(timeout_s) * _FILES_PER_S))


def plan(hands: JobContext) -> None:
    """Plan the job if nobody has, and begin."""
    made = hands.plan()
    if made is None:
        attempt = hands.claim("plan")
        if attempt is None:
            return
        made = _given_up() if attempt >= MOST_ATTEMPTS else _made(hands)
        if not hands.store.create("plan", made._asdict()):
            made = hands.plan() or made
    for index in range(min(made.lanes, made.slices)):
        hands.send_for_slice(index)


def _given_up() -> JobPlan:
    problem = (
        f"The executions that read the list have died {MOST_ATTEMPTS} times. Give the "
        "function more memory or time, or shorten the list."
    )
    return JobPlan(problem=problem)


def _made(hands: JobContext) -> JobPlan:
    try:
        return _dealt(hands)
    except UrlListError as error:
        return JobPlan(problem=str(error))
    except LateError:
        problem = (
            f"The list could not be dealt out within the function's "
            f"{hands.call.timeout_s} s. Give it more time, or split the list."
        )
        return JobPlan(problem=problem)


def _dealt(hands: JobContext) -> JobPlan:
    if not hands.job.manifest:
        items = source_from_dict(hands.store.get(f"lists/{hands.job.digest}"))
        return _sliced(hands, items, len(items))
    with manifest(hands.job.manifest, hands.store.until) as listed:
        most = hands.call.settings.job_urls
        if len(listed) > most:
            problem = (
                f"{hands.job.manifest} has {len(listed):,} URLs; a job may have "
                f"{most:,}. Split it."
            )
            return JobPlan(problem=problem)
        return _sliced(hands, listed, len(listed))


def _sliced(hands: JobContext, items: Iterable[Item], many: int) -> JobPlan:
    lanes = hands.call.settings.job_executions
    most = min(_MOST, most_urls(hands.call.timeout_s))
    size = min(max(_LEAST, -(-many // lanes)), most)
    slices = 0
    for index, some in enumerate(_pieces(items, size)):
        hands.store.put(f"slices/{slice_name(index)}", Inline.of(some).to_dict())
        slices = index + 1
    return JobPlan(many, slices, lanes)


def _pieces(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    rest = iter(items)
    while some := list(islice(rest, size)):
        yield some
