"""From what was appended to tidy tables: per URL, per invocation, per run."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from fetcher.outcome import CODE, ORDER, Outcome
from fetcher.source import count, numbers_in
from fetcher.tally import Tally

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from experiment.ledger import Invocation
    from fetcher.source import Source

_COLUMNS = {
    "outcome": np.uint8,
    "status": np.uint16,
    "body_bytes": np.int64,
    "started_at": np.float64,
    "seconds": np.float32,
    "attempts": np.uint8,
    "wave": np.int16,
    "shard": np.int32,
}


class AccountError(ValueError):
    """The figures of a run do not add up."""


def downloads_table(
    invocations: Sequence[Invocation], source: Source, *, run: str, target: str
) -> pd.DataFrame:
    """
    Return one row per URL, in the plan's order.

    A URL that several waves tried has the outcome of the last that did; one that none
    answered for is ``unstarted``.

    Args:
        invocations: What was appended.

        source: Every URL of the run.

        run: Stands in every row, so that tables can be put together.

        target: Likewise.

    Returns:
        Columns run, target, number, url, outcome (a category), status, body_bytes,
        started_at (seconds since 1970), seconds, attempts, wave, shard, detail.
    """
    numbers = np.fromiter(numbers_in(source.ranges), np.int64, len(source))
    columns: dict[str, Any] = {
        name: np.zeros(len(numbers), kind) for name, kind in _COLUMNS.items()
    }
    columns["outcome"][:] = CODE[Outcome.UNSTARTED]
    columns["started_at"][:] = math.nan
    details = np.full(len(numbers), "", dtype=object)
    for done in sorted(invocations, key=lambda done: done.wave):
        rows = np.searchsorted(numbers, list(numbers_in(done.source.ranges)))
        columns["wave"][rows], columns["shard"][rows] = done.wave, done.shard
        if done.report is None:
            details[rows] = done.error
            continue
        for name, values in done.report.downloads.columns.items():
            if name != "started_s":
                columns[name][rows] = values
        started = np.asarray(done.report.downloads.columns["started_s"])
        columns["started_at"][rows] = done.report.downloading_at + started
        details[rows] = ""
        for position, detail in done.report.downloads.details.items():
            details[rows[position]] = detail
    codes = columns.pop("outcome")
    outcomes = [outcome.value for outcome in ORDER]
    return pd.DataFrame(
        {
            "run": pd.Categorical.from_codes(np.zeros_like(codes), [run]),
            "target": pd.Categorical.from_codes(np.zeros_like(codes), [target]),
            "number": numbers,
            "url": _urls(source),
            "outcome": pd.Categorical.from_codes(codes, outcomes),
            **columns,
            "detail": details,
        }
    )


def shards_table(
    invocations: Iterable[Invocation], *, run: str, target: str
) -> pd.DataFrame:
    """
    Return one row per invocation, in the order they were sent.

    Returns:
        Columns run, target, wave, shard, execution, cold, files, a column per
        outcome, body_bytes, queued_at, invoked_at, started_at, downloading_at,
        downloaded_at, answered_at (seconds since 1970), cpu_s, peak_rss_bytes,
        throttles, error. An invocation without a report has the error, and nothing
        in what only a report can tell.
    """
    rows = [_shard_row(done) for done in invocations]
    table = pd.DataFrame(rows).sort_values("invoked_at", ignore_index=True)
    table.insert(0, "run", run)
    table.insert(1, "target", target)
    return table


def totals(
    downloads: pd.DataFrame, invocations: Sequence[Invocation]
) -> dict[str, Any]:
    """
    Return a run's figures.

    The clock runs from the first request sent to the last answer read.

    Returns:
        files, counts by outcome, body_bytes, wall_s, files_per_s and mb_per_s (of
        files that are `ok`), cpu_us_per_file, invocations, failed_invocations,
        throttles, cold_executions, and p50_s, p95_s, p99_s of a download.
    """
    tally, cpu_s, cold = Tally(), 0.0, 0
    for done in invocations:
        if done.report:
            tally.merge(done.report.tally)
            cpu_s += done.report.cpu_s
            cold += done.report.cold
    first = min(done.invoked_at for done in invocations)
    wall_s = max(done.answered_at for done in invocations) - first
    whole = downloads[downloads["outcome"] == Outcome.OK.value]
    body_bytes = int(whole["body_bytes"].sum())
    counts = downloads["outcome"].value_counts()
    return {
        "files": len(downloads),
        "counts": {outcome.value: int(counts[outcome.value]) for outcome in ORDER},
        "body_bytes": body_bytes,
        "wall_s": wall_s,
        "files_per_s": len(whole) / wall_s,
        "mb_per_s": body_bytes / wall_s / 1e6,
        "cpu_us_per_file": cpu_s / max(len(whole), 1) * 1e6,
        "invocations": len(invocations),
        "failed_invocations": sum(done.report is None for done in invocations),
        "throttles": sum(done.throttles for done in invocations),
        "cold_executions": cold,
        "p50_s": tally.latency.quantile(0.50),
        "p95_s": tally.latency.quantile(0.95),
        "p99_s": tally.latency.quantile(0.99),
    }


def check_invocations(invocations: Sequence[Invocation], source: Source) -> None:
    """
    Make sure that every URL was asked for, none twice in one wave or once it was ok.

    Raises:
        AccountError: If not, or if a report's counts are not those of its URLs.
    """
    waves: dict[int, list[int]] = {}
    ok: list[int] = []
    for done in invocations:
        numbers = list(numbers_in(done.source.ranges))
        waves.setdefault(done.wave, []).extend(numbers)
        if done.report:
            codes = done.report.downloads.columns["outcome"]
            found = np.bincount(codes, minlength=len(ORDER)).tolist()
            if found != [done.report.tally.counts[outcome] for outcome in ORDER]:
                _refuse(f"Shard {done.shard} of wave {done.wave} miscounts its URLs.")
            ok.extend(np.asarray(numbers)[np.asarray(codes) == CODE[Outcome.OK]])
    if sorted(waves.get(0, [])) != list(numbers_in(source.ranges)):
        _refuse("The first wave did not ask for every URL exactly once.")
    if any(len(set(numbers)) < len(numbers) for numbers in (*waves.values(), ok)):
        _refuse("Some URL was asked for twice in one wave, or again once it was ok.")


def _refuse(wrong: str) -> None:
    msg = f"{wrong} This is a bug: please report it with the run's folder."
    raise AccountError(msg)


def check(downloads: pd.DataFrame, figures: Mapping[str, Any], files: int) -> None:
    """
    Make sure that every URL of the plan has exactly one outcome.

    Raises:
        AccountError: If URLs are missing or doubled, or counts do not sum.
    """
    if len(downloads) != files or downloads["number"].nunique() != files:
        _refuse(
            f"{files:,} files were planned; {len(downloads):,} rows account for "
            f"{downloads['number'].nunique():,} of them."
        )
    counted = sum(figures["counts"].values())
    if counted != files:
        _refuse(f"The outcomes sum to {counted:,}, not to the {files:,} files planned.")


def runs_table(records: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """
    Return one row per run: what was set and what came out.

    Args:
        records: What ``run.json`` holds, of finished runs of ``20_fan_out``.
    """
    rows = []
    for record in records:
        figures = dict(record["totals"])
        counts = figures.pop("counts")
        settings = record["settings"]
        rows.append(
            {
                "run": record["run"],
                "target": record["target"],
                "machine": record["machine"]["name"],
                **{name: settings[name] for name in _SET},
                **figures,
                "ok": counts[Outcome.OK.value],
                "not_ok": figures["files"] - counts[Outcome.OK.value],
            }
        )
    return pd.DataFrame(rows)


_SET = (
    "file_kb",
    "concurrency",
    "connections",
    "memory_mb",
    "engine",
    "sink",
    "repeat",
)


def _urls(source: Source) -> list[str]:
    return [item.url for item in source]


def _shard_row(done: Invocation) -> dict[str, Any]:
    report = done.report
    tally = report.tally if report else Tally()
    return {
        "wave": done.wave,
        "shard": done.shard,
        "execution": report.execution if report else "",
        "cold": report.cold if report else None,
        "files": count(done.source.ranges),
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
        "request_id": done.request_id,
        "error": done.error,
    }
