"""A run's figures: the totals of its invocations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from experiment.tables.projection.projected_million import projection_of
from fetcher.contract.outcome import Outcome

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

    from fetcher.contract.tally import Tally


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
        throttles, hedges, cold_executions, p50_s, p95_s, p99_s of an `ok` download,
        and the figures of `projection_of`. What is of `ok` files is None if there are
        none.
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
        "cpu_us_per_file": float(shards["cpu_s"].sum()) / ok * 1e6 if ok else None,
        "invocations": len(shards),
        "failed_invocations": int((shards["error"] != "").sum()),
        "throttles": int(shards["throttles"].sum()),
        "hedges": int(shards["hedges"].sum()),
        "cold_executions": int((shards["cold"] == 1).sum()),
        **{
            f"p{share}_s": tally.latency.quantile(share / 100) if ok else None
            for share in (50, 95, 99)
        },
        **projection_of(shards),
    }
