"""A run's charts, drawn again from the tables in its folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from experiment.charts import single_run
from experiment.charts.axis_effects import axis_charts
from experiment.charts.connections_over_time import (
    connections_over_time,
    has_connections,
)
from experiment.charts.invocation_timeline import timeline
from experiment.charts.latency import latency_by_size
from experiment.charts.throughput import files_per_s_by_concurrency
from experiment.ledger.run_folder import read_run
from experiment.tables.over_time import over_time
from experiment.tables.scaling_limit import like_the_best

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from matplotlib.figure import Figure

    from experiment.tables.run_result import Result

_GRID, _MILLION = "30_grid", "40_million"


def charts_of(folder: Path, result: Result) -> Iterator[tuple[str, Figure]]:
    """Yield the name and the chart of all that the tables of a run allow."""
    record = read_run(folder)
    if record["notebook"] == _GRID:
        best = like_the_best(result.runs)
        yield "files_per_s", files_per_s_by_concurrency(best)
        yield from axis_charts(result.runs)
    if record["notebook"] == _MILLION:
        yield from _of_a_million(folder, result)
    yield "timeline", timeline_of(result)
    if has_connections(result.widest_shards):
        yield "connections", connections_over_time(result.widest_shards, result.where)
    if len(result.downloads):
        yield "latency", latency_by_size(result.downloads, result.where)


def timeline_of(result: Result) -> Figure:
    """Return the timeline of a run, or of a grid's run at the highest concurrency."""
    of = result.widest_setting if len(result.runs) > 1 else ""
    return timeline(result.widest_shards, result.where, of=of)


def _of_a_million(folder: Path, result: Result) -> Iterator[tuple[str, Figure]]:
    downloads, load = folder / "downloads.parquet", folder / "load.parquet"
    if downloads.exists():
        progress = over_time(downloads, result.shards)
        yield "files", single_run.files_over_time(progress, result.runs, result.where)
        yield "rate", single_run.rate_over_time(progress, result.where)
    yield "outcomes", single_run.outcome_counts(result.counts, result.where)
    if load.exists():
        used = pd.read_parquet(load)
        yield "machine", single_run.machine_load(used, result.shards, result.where)
