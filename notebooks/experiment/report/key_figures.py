"""What a run's page begins with: its figures, its cost, and the forecast for AWS."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from experiment.fleet.forecast_questions import NOT_MODELLED
from experiment.tables.projection import million_time, setting_ranking
from experiment.tables.words import duration, microseconds, size
from rollout.price import in_dollars

if TYPE_CHECKING:
    import pandas as pd


def key_figures(record: dict[str, Any], runs: pd.DataFrame) -> dict[str, str]:
    """Return what a reader looks for first, of a finished run or grid, by its name."""
    totals, settings = record["totals"], record["settings"]
    ok, files = totals["counts"]["ok"], totals["files"]
    rows = {"files ok": f"{ok:,} of {files:,}"}
    if "runs" in totals:
        return rows | {"runs": f"{totals['runs']:,}", **_best_of(runs)}
    return rows | {
        "first request to last report": duration(totals["wall_s"]),
        "files per second": f"{totals['files_per_s']:,.0f}",
        "MB per second": f"{totals['mb_per_s']:,.0f}",
        "half of the ok files within": duration(totals["p50_s"]),
        "99 % of the ok files within": duration(totals["p99_s"]),
        "CPU of the executions per file": microseconds(totals["cpu_us_per_file"]),
        "executions at once": f"{settings['concurrency']:,}",
        "connections in each": f"{settings['connections'] or 'adaptive'}",
        "file size": size(totals["file_kb"]),
    }


def _best_of(runs: pd.DataFrame) -> dict[str, str]:
    """Return the figures of the setting that the verdict names, for each file size."""
    rows = {}
    for file_kb, alike in runs.groupby("file_kb"):
        if ranked := setting_ranking.ranking(alike):
            (values, _), *_ = ranked
            best = million_time.of_one_start(
                dict(setting_ranking.settings_of(alike))[values]
            )
            rates = best[["files_per_s", "mb_per_s"]].median()
            setting = (
                f"{size(file_kb)} at {setting_ranking.named(alike, values)}, median"
            )
            files_per_s = f"{rates['files_per_s']:,.0f} files/s"
            rows[setting] = f"{files_per_s}, {rates['mb_per_s']:,.0f} MB/s"
    return rows


def cost_of(record: dict[str, Any]) -> tuple[str, list[tuple[str, str]]]:
    """Return what the run cost, or would have cost on AWS, in all and by item."""
    cost = record.get("cost")
    if not cost:
        return "", []
    is_local = "projected_usd" in cost
    key = "projected_usd" if is_local else "usd"
    total = in_dollars(cost[key])
    said = (
        "Nothing (local run). On AWS, with the times measured here: an estimated "
        f"{total}"
        if is_local
        else f"{total}, by the time that Lambda billed"
    )
    if pilots := record.get("pilot", {}).get("usd"):
        said += f"; its pilots cost {in_dollars(pilots)} more"
    items = [(item["what"], in_dollars(item[key])) for item in cost["items"]]
    return said, items


def forecast_of(record: dict[str, Any]) -> str:
    """Return what the model had forecast, beside what was measured; empty: unknown."""
    found = record.get("forecast")
    if not found:
        return ""
    if NOT_MODELLED in found:
        return f"Not modelled: {found[NOT_MODELLED]}. The model is of Lambda on AWS"
    band = (found[f"{name}_s"] for name in ("low", "median", "high"))
    low, median, high = map(duration, band)
    wall_s, times = record["totals"]["wall_s"], found["measured_to_median"]
    inside = "inside" if found["low_s"] <= wall_s <= found["high_s"] else "outside"
    return (
        f"It took {duration(wall_s)}; the model's forecast was {median} ({low} to "
        f"{high}). Measured over forecast: {times:.2f}, {inside} the band"
    )
