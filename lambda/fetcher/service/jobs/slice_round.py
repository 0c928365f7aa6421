"""One slice of a job: downloaded, accounted for, and the next one requested."""

from __future__ import annotations

import json
import os
import time
from typing import TYPE_CHECKING

from fetcher import handler
from fetcher.contract.download_results import Download, Downloads
from fetcher.contract.inline_source import Inline
from fetcher.contract.options import Options
from fetcher.contract.outcome import Outcome
from fetcher.contract.shard_messages import Report, Shard
from fetcher.service.jobs.job_context import MOST_ATTEMPTS
from fetcher.service.jobs.stored_documents import RoundResult, round_name, slice_name

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fetcher.contract.source import Item
    from fetcher.service.jobs.job_context import JobContext
    from fetcher.service.jobs.store import Store

# Kept back from Lambda's timeout, to store the results of the slice.
_WRITING_S = 5.0
_WRITING_SHARE = 0.25

_MOST_ROUNDS = 10


def work(context: JobContext, index: int) -> None:
    """
    Do the next round of a slice unless another execution is, and request what follows.

    Work that is done twice, for example because Lambda repeats an event, counts once.
    """
    rounds = results_of(context.store, index)
    if not (rounds and rounds[-1].is_last):
        name = round_name(index, len(rounds))
        attempt = context.claim(name)
        if attempt is None:
            return
        result = _round(context, index, rounds, attempt)
        if context.store.create(f"results/{name}", result._asdict()):
            rounds = [*rounds, result]
        else:
            rounds = results_of(context.store, index)
    _send_on(context, index, is_done=rounds[-1].is_last)


def results_of(store: Store, index: int) -> list[RoundResult]:
    """Return the results of a slice's rounds so far."""
    names = [entry.name for entry in store.list(f"results/{slice_name(index)}-")]
    return [RoundResult(**store.get(name)) for name in names]


def ends_of(
    store: Store, index: int, rounds: Iterable[RoundResult]
) -> tuple[list[tuple[Item, Download]], list[Item]]:
    """Return the URLs of a slice that have ended, with how, and those that have not."""
    left = list(Inline.from_dict(store.get(f"slices/{slice_name(index)}")))
    ended = []
    for round_, result in enumerate(rounds):
        report = store.get(_report_name(index, round_, result.attempt))
        downloads = Report.from_dict(report).downloads
        pairs = list(zip(left, downloads, strict=True))
        is_over = result.is_last
        ended += [pair for pair in pairs if is_over or _has_ended(pair[1])]
        left = [item for item, end in pairs if not (is_over or _has_ended(end))]
    return sorted(ended), left


def _send_on(context: JobContext, index: int, *, is_done: bool) -> None:
    if not is_done:
        context.request_slice(index)
        return
    plan = context.plan()
    if plan and index + plan.lanes < plan.slices:
        context.request_slice(index + plan.lanes)


def _round(
    context: JobContext, index: int, rounds: list[RoundResult], attempt: int
) -> RoundResult:
    """Download the rest of a slice; return the result."""
    _, items = ends_of(context.store, index, rounds)
    if attempt >= MOST_ATTEMPTS:
        report = _given_up(context, index, len(rounds), len(items))
    else:
        report = _downloaded(context, index, len(rounds), items)
    context.store.put(_report_name(index, len(rounds), attempt), report.to_dict())
    counts = report.tally.counts
    unstarted = counts[Outcome.UNSTARTED]
    is_last = (
        unstarted in (0, len(items))  # nothing is left, or nothing will become of it
        or len(rounds) + 1 >= _MOST_ROUNDS
    )
    if not is_last:
        del counts[Outcome.UNSTARTED]
    return RoundResult(
        attempt=attempt,
        is_last=is_last,
        counts={outcome.value: count for outcome, count in counts.items()},
        body_bytes=report.tally.body_bytes,
    )


def _downloaded(
    context: JobContext, index: int, round_: int, items: list[Item]
) -> Report:
    left_s = context.call.context.get_remaining_time_in_millis() / 1_000
    shard = Shard(
        run=context.job.id,
        index=index,
        wave=round_,
        source=Inline.of(items, keeps_columns=context.job.sink.keeps_columns),
        sink=context.job.sink,
        options=Options(
            allow_private=context.call.settings.allow_private, **context.job.options
        ),
        deadline_s=left_s - min(_WRITING_S, _WRITING_SHARE * left_s),
    )
    report = handler.download(json.loads(shard.to_json()), context.call.context)
    return Report.from_dict(report)


def _given_up(context: JobContext, index: int, round_: int, count: int) -> Report:
    """Return a report for executions that all died before they could write one."""
    detail = (
        f"given up: {MOST_ATTEMPTS} executions have died over this slice of the job; "
        "the function may need more memory"
    )
    downloads = Downloads(count)
    for position in range(count):
        downloads[position] = Download(Outcome.UNSTARTED, detail=detail)
    now = time.time()
    return Report(
        run=context.job.id,
        index=index,
        wave=round_,
        execution=os.environ.get("AWS_LAMBDA_LOG_STREAM_NAME", ""),
        cold=False,
        started_at=now,
        downloading_at=now,
        downloaded_at=now,
        tally=downloads.tally(),
        downloads=downloads,
        cpu_s=0.0,
        peak_rss_bytes=0,
        engine="none",
    )


def _has_ended(end: Download) -> bool:
    return end.outcome is not Outcome.UNSTARTED


def _report_name(index: int, round_: int, attempt: int) -> str:
    return f"reports/{round_name(index, round_)}-{attempt:02}"
