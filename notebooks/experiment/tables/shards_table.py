"""The table of shards: a row per invocation."""

from __future__ import annotations

import math
from itertools import islice
from typing import TYPE_CHECKING, Any

import pandas as pd

from experiment.tables.downloads_table import writable
from fetcher.contract.outcome import ORDER
from fetcher.contract.source import count
from fetcher.contract.tally import Tally

if TYPE_CHECKING:
    from collections.abc import Iterable

    from experiment.ledger.invocation import Invocation

_AT_ONCE = 1_000  # rows as Python objects, which take ten times the memory


def shards_table(
    invocations: Iterable[Invocation], *, run: str, target: str
) -> pd.DataFrame:
    """
    Return one row per invocation, in the order they were sent.

    Returns:
        Columns run, target, session, wave, shard, execution, cold, files, a column per
        outcome, body_bytes, queued_at, invoked_at, started_at, downloading_at,
        downloaded_at, answered_at (seconds since 1970), cpu_s, peak_rss_bytes,
        throttles, hedges, request_id, error, billed_s (by Lambda's account),
        connections and connections_at_s (lists: how many from when on, in seconds since
        downloading_at). Without a report there is an error, and no value in the
        columns that only a report fills.
    """
    rows = map(_shard_row, invocations)
    batches = iter(lambda: list(islice(rows, _AT_ONCE)), [])
    table = pd.concat(map(pd.DataFrame, batches), ignore_index=True)
    table = table.sort_values("invoked_at", ignore_index=True)
    table.insert(0, "run", run)
    table.insert(1, "target", target)
    return table


def _shard_row(done: Invocation) -> dict[str, Any]:
    report = done.report
    tally = report.tally if report else Tally()
    return {
        "session": done.session,
        "wave": done.wave,
        "shard": done.shard,
        "execution": report.execution if report else "",
        "cold": report.cold if report else None,
        "files": count(done.ranges),
        **{outcome.value: tally.counts[outcome] for outcome in ORDER},
        "body_bytes": tally.body_bytes,
        "queued_at": done.queued_at,
        "invoked_at": done.invoked_at,
        "started_at": report.started_at if report else math.nan,
        "downloading_at": report.downloading_at if report else math.nan,
        "downloaded_at": report.downloaded_at if report else math.nan,
        "answered_at": done.answered_at,
        "cpu_s": report.cpu_s if report else math.nan,
        "peak_rss_bytes": report.peak_rss_bytes if report else 0,
        "throttles": done.throttles,
        "hedges": done.hedges,
        "request_id": done.request_id,
        "error": writable(done.error),
        "billed_s": math.nan if done.billed_s is None else done.billed_s,
        "connections": [number for _, number in report.connections] if report else [],
        "connections_at_s": [at for at, _ in report.connections] if report else [],
    }
