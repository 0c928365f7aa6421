"""Planning of a job: its list is cut into slices, and the first ones are begun."""

from __future__ import annotations

import tempfile
from contextlib import closing, contextmanager
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from fetcher.contract.inline_source import Inline
from fetcher.handler import usable_s
from fetcher.lists.files.pipes_and_s3 import bring
from fetcher.lists.url_list import UrlList, UrlListError
from fetcher.s3.errors import LateError, S3Error
from fetcher.service.jobs.job_context import MOST_ATTEMPTS
from fetcher.service.jobs.stored_documents import JobPlan, slice_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from fetcher.contract.source import Item
    from fetcher.service.jobs.job_context import JobContext

# As many as may well be downloaded at once; fewer would leave connections idle.
_LEAST = 100
_MOST = 1_000

# Files of 1.7 MB at 58.6 MB/s, which an execution has been reported to reach:
# https://github.com/0xIbra/million-downloads
FILES_PER_S = 34

_NEEDS_PYARROW = (".parquet", ".zst")  # which would not go into the zip


def most_urls(timeout_s: float) -> int:
    """
    Return how many URLs to give an execution with this timeout.

    >>> most_urls(300), most_urls(30)
    (10132, 952)
    """
    return max(1, int(usable_s(timeout_s) * FILES_PER_S))


def slice_size(urls: int, timeout_s: float, lanes: int) -> int:
    """
    Return how many URLs to give each execution.

    >>> slice_size(1_000_000, 300, lanes=100), slice_size(150, 300, lanes=100)
    (1000, 100)
    """
    most = min(_MOST, most_urls(timeout_s))
    return min(max(_LEAST, -(-urls // lanes)), most)


def plan(context: JobContext) -> None:
    """Plan the job unless that is done, and begin it."""
    job_plan = context.plan()
    if job_plan is None:
        attempt = context.claim("plan")
        if attempt is None:
            return
        job_plan = _give_up() if attempt >= MOST_ATTEMPTS else _make_plan(context)
        if not context.store.create("plan", job_plan._asdict()):
            job_plan = context.plan() or job_plan
    for index in range(min(job_plan.lanes, job_plan.slices)):
        context.request_slice(index)


def _give_up() -> JobPlan:
    problem = (
        f"The executions that read the list have died {MOST_ATTEMPTS} times. Give the "
        "function more memory or time, or shorten the list."
    )
    return JobPlan(problem=problem)


def _make_plan(context: JobContext) -> JobPlan:
    try:
        return _dealt(context)
    except UrlListError as error:
        return JobPlan(problem=str(error))
    except LateError:
        problem = (
            f"The list could not be partitioned within the function's "
            f"{context.call.timeout_s} s. Give it more time, or split the list."
        )
        return JobPlan(problem=problem)


def _dealt(context: JobContext) -> JobPlan:
    if not context.job.manifest:
        items = Inline.from_dict(context.store.get(f"lists/{context.job.digest}"))
        return _write_slices(context, items, len(items))
    with _manifest(context.job.manifest, context.store.until) as listed:
        most = context.call.settings.job_urls
        if len(listed) > most:
            problem = (
                f"{context.job.manifest} has {len(listed):,} URLs; a job may have "
                f"{most:,}. Split it."
            )
            return JobPlan(problem=problem)
        return _write_slices(context, listed, len(listed))


@contextmanager
def _manifest(url: str, until: float) -> Iterator[UrlList]:
    """
    Bring a list from S3, and return it, read whole, as long as the context lasts.

    Raises:
        UrlListError: If it cannot be used; says why.

        S3Error: If it was not read, which may be another time.
    """
    if url.lower().endswith(_NEEDS_PYARROW):
        msg = f"{url} is not read on Lambda. Convert it with `rollout manifest`."
        raise UrlListError(msg)
    with tempfile.TemporaryDirectory(prefix="fetcher-manifest-") as folder:
        ending = url.rpartition("/")[2][-100:]  # tells the kind; may be empty, or `..`
        path = Path(folder, f"list-{ending}")
        try:
            with path.open("wb") as file:
                bring(url, file, until)
            listed = UrlList(path)
            len(listed)
            listed.raise_if_torn()
        except S3Error as error:
            if error.can_heal:
                raise
            msg = f"{url} cannot be read. {error.strerror}"
            raise UrlListError(msg) from error
        except OSError as error:  # of this machine: another time would be no better
            msg = f"{url} cannot be kept to be read: {error.strerror}."
            raise UrlListError(msg) from error
        except UrlListError as error:
            raise UrlListError(str(error).replace(str(path), url)) from error
        with closing(listed):
            yield listed


def _write_slices(context: JobContext, items: Iterable[Item], count: int) -> JobPlan:
    lanes = context.call.settings.job_executions
    size = slice_size(count, context.call.timeout_s, lanes)
    slices = 0
    for index, some in enumerate(_pieces(items, size)):
        source = Inline.of(some, keeps_columns=context.job.sink.keeps_columns)
        context.store.put(f"slices/{slice_name(index)}", source.to_dict())
        slices = index + 1
    return JobPlan(count, slices, lanes)


def _pieces(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    rest = iter(items)
    while some := list(islice(rest, size)):
        yield some
