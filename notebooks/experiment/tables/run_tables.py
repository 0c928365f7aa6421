"""Tidy tables: a row per URL, and a row per invocation, with their totals."""

from __future__ import annotations

import math
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from experiment.tables.projection import projection_of
from fetcher.contract.carried import masked_columns
from fetcher.contract.outcome import ORDER, Outcome
from fetcher.contract.source import count
from fetcher.contract.tally import Tally
from fetcher.contract.template_source import Template, parts_of
from fetcher.security.masking import masked

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from experiment.ledger.invocation import Invocation
    from experiment.tables.outcome_per_url import OutcomeBlock
    from fetcher.lists.url_list import RowBlock, UrlList

_AT_ONCE = 1_000  # rows as Python objects, which take ten times the memory
_OUTCOMES = [outcome.value for outcome in ORDER]
_REFUSED = [ORDER.index(one) for one in (Outcome.BAD_URL, Outcome.DUPLICATE)]


class Names(NamedTuple):
    """The values that are in every row, so that tables can be joined."""

    run: str
    target: str
    file_kb: float


def downloads_table(
    block: OutcomeBlock, urls: Template | UrlList, names: Names
) -> pa.Table:
    """
    Return one row per URL, in the plan's order.

    Returns:
        Columns run, target, file_kb, number, url, outcome (a category), status,
        body_bytes, started_at (seconds since 1970), seconds, attempts, content_type (as
        sent), found_type (as its first bytes show), wave, shard, detail; of a list,
        carried, too: its other columns as JSON.
    """
    rows = len(block.numbers)
    columns = dict(block.columns)
    codes = columns.pop("outcome")
    types = _texts(list(block.types))
    category, first = pa.DictionaryArray.from_arrays, np.zeros(rows, np.int8)
    url, *carried = _urls(block, urls)  # sets details, too
    detail = pa.repeat("", rows) if block.details is None else _texts(block.details)
    return pa.table(
        {
            "run": category(first, [names.run]),
            "target": category(first, [names.target]),
            "file_kb": pa.repeat(float(names.file_kb), rows),
            "number": block.numbers,
            "url": url,
            "outcome": category(codes, _OUTCOMES),
            **columns,
            "content_type": category(columns["content_type"], types),
            "found_type": category(columns["found_type"], types),
            "detail": detail,
            **({"carried": carried[0]} if carried else {}),
        }
    )


def _urls(block: OutcomeBlock, urls: Template | UrlList) -> list[pa.Array]:
    """
    Return the masked URLs of a block, each made from the template it was requested by.

    Those of a list come with what its rows carry; rows that the list itself settled get
    the reason as their detail.
    """
    if not isinstance(urls, Template):
        span = int(block.numbers[0]), len(block.numbers)
        texts: list[str] = []
        carried: list[str] = []
        for rows in urls.blocks([span]):
            texts += map(masked, rows.urls)
            carried += map(masked_columns, rows.carried or [""] * len(rows.urls))
            _explain(block, rows)
        return [_texts(texts), _texts(carried)]
    column = _numbered(urls.text, block.numbers)
    for template, code in block.templates.items():
        if template != urls.text:
            mask = block.template_codes == code
            others = _numbered(template, block.numbers[mask])
            column = pc.replace_with_mask(column, mask, others)
    return [column]


def _explain(block: OutcomeBlock, rows: RowBlock) -> None:
    """Set the details of rows that were not fetched: a report may have no room."""
    if not rows.refusals:
        return
    if block.details is None:
        block.details = np.full(len(block.numbers), "", object)
    for at, refusal in enumerate(rows.refusals, rows.first - int(block.numbers[0])):
        if refusal and block.columns["outcome"][at] in _REFUSED:
            block.details[at] = refusal.partition(": ")[2]


def _texts(texts: Sequence[str] | NDArray[np.object_]) -> pa.Array:
    """Return a column of texts, even if JSON had lone surrogates in them."""
    try:
        return pa.array(texts, pa.string())
    except UnicodeEncodeError:
        return pa.array([_writable(text) for text in texts], pa.string())


def _writable(text: str) -> str:
    r"""
    Return a text with lone surrogates escaped, which UTF-8 cannot encode.

    >>> _writable("caf\udce9"), _writable("café")
    ('caf\\udce9', 'café')
    """
    return text.encode(errors="backslashreplace").decode()


def _numbered(template: str, numbers: np.ndarray) -> pa.Array:
    (first, *texts), divisors = parts_of(template)
    filled = [numbers if by is None else numbers % by for by in divisors]
    digits = [pa.array(each).cast(pa.string()) for each in filled]
    parts = chain.from_iterable(zip(digits, texts, strict=True))
    return pc.binary_join_element_wise(first, *parts, "")


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


def totals(
    shards: pd.DataFrame, tally: Tally, counts: Mapping[str, int]
) -> dict[str, Any]:
    """
    Return a run's figures.

    The clock runs from the first request sent to the last response read; in a resumed
    run it stops between sessions.

    Returns:
        files, counts by outcome, body_bytes, wall_s, files_per_s and mb_per_s (of
        files that are `ok`), cpu_us_per_file, invocations, failed_invocations,
        throttles, hedges, cold_executions, p50_s, p95_s, p99_s of a download, and the
        figures of `projection_of`.
    """
    sessions = shards.groupby("session")
    took_s = sessions["answered_at"].max() - sessions["invoked_at"].min()
    wall_s, ok = float(took_s.sum()), counts[Outcome.OK.value]
    return {
        "files": sum(counts.values()),
        "counts": dict(counts),
        "body_bytes": tally.body_bytes,
        "wall_s": wall_s,
        "files_per_s": ok / wall_s,
        "mb_per_s": tally.body_bytes / wall_s / 1e6,
        "cpu_us_per_file": float(shards["cpu_s"].sum()) / max(ok, 1) * 1e6,
        "invocations": len(shards),
        "failed_invocations": int((shards["error"] != "").sum()),
        "throttles": int(shards["throttles"].sum()),
        "hedges": int(shards["hedges"].sum()),
        "cold_executions": int((shards["cold"] == 1).sum()),
        "p50_s": tally.latency.quantile(0.50),
        "p95_s": tally.latency.quantile(0.95),
        "p99_s": tally.latency.quantile(0.99),
        **projection_of(shards),
    }


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
        "error": _writable(done.error),
        "billed_s": math.nan if done.billed_s is None else done.billed_s,
        "connections": [number for _, number in report.connections] if report else [],
        "connections_at_s": [at for at, _ in report.connections] if report else [],
    }
