"""The settings of a grid compared: the best, and the effect of each axis."""

from __future__ import annotations

from typing import TYPE_CHECKING

from experiment.charts.drawing import BAND_ALPHA, finished, key_above, new_axes
from experiment.charts.fan_out import verdict
from experiment.tables.words import where_measured

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd
    from matplotlib.figure import Figure

# The axes of a grid beside concurrency and file size; each has its own chart.
_AXES = ("memory_mb", "engine", "sink")
_ALSO = (*_AXES, "fresh")
_NAMES = {"memory_mb": "Memory, MB", "engine": "Engine", "sink": "Sink"}
_STARTS = ((False, "warm", "#0072B2", "o"), (True, "cold", "#D55E00", "s"))
_FIGURES = ("files_per_s", "mb_per_s", "cpu_us_per_file", "cold_executions")


def by_setting(runs: pd.DataFrame) -> pd.DataFrame:
    """
    Return the median of each setting's runs, the fastest first.

    Returns:
        Columns file_kb, concurrency and the axes varied; files_per_s, mb_per_s,
        cpu_us_per_file, cold_executions, usd_per_million (projected_usd_per_million
        of local runs), and runs (their number).
    """
    varied = [name for name in _ALSO if runs[name].nunique() > 1]
    figures = [*_FIGURES, *(name for name in runs if "usd" in name)]
    groups = runs.groupby(["file_kb", "concurrency", *varied])
    table = groups[figures].median()
    table["runs"] = groups.size()
    return table.sort_values("files_per_s", ascending=False).reset_index()


def of_the_best(runs: pd.DataFrame) -> pd.DataFrame:
    """Return the runs with memory, engine, sink and start of the best setting."""
    best = by_setting(runs).iloc[0]
    alike = runs
    for name in _ALSO:
        if name in best:
            alike = alike[alike[name] == best[name]]
    return alike


def verdict_of_grid(runs: pd.DataFrame) -> str:
    """Return the verdict on the best setting, with that setting."""
    best = of_the_best(runs)
    sentence = verdict(best)
    first = best.iloc[0]
    details = []
    if runs["memory_mb"].nunique() > 1:
        details.append(f"{first['memory_mb']:,} MB")
    details += [first[name] for name in ("engine", "sink") if runs[name].nunique() > 1]
    if runs["fresh"].nunique() > 1:
        details.append("cold" if first["fresh"] else "warm")
    return f"{sentence} ({', '.join(details)})" if details else sentence


def axis_charts(runs: pd.DataFrame) -> Iterator[tuple[str, Figure]]:
    """Yield a name and a chart for each axis that was varied."""
    for axis in _AXES:
        if runs[axis].nunique() > 1:
            yield f"files_per_s_by_{axis}", _chart(_only(runs, axis), axis)


def _only(runs: pd.DataFrame, axis: str) -> pd.DataFrame:
    """Return the runs that differ from the best only in an axis or the start."""
    best = by_setting(runs).iloc[0]
    alike = runs
    for name in ("file_kb", "concurrency", *_AXES):
        if name != axis and name in best:
            alike = alike[alike[name] == best[name]]
    return alike


def _chart(runs: pd.DataFrame, axis: str) -> Figure:
    figure, ax = new_axes()
    values = sorted(runs[axis].unique())
    places = range(len(values))
    for fresh, start, colour, marker in _STARTS:
        rows = runs[runs["fresh"] == fresh]
        if rows.empty:
            continue
        band = rows.groupby(axis)["files_per_s"].agg(["median", "min", "max"])
        band = band.reindex(values)
        ax.fill_between(
            places, band["min"], band["max"], color=colour, alpha=BAND_ALPHA, lw=0
        )
        ax.plot(places, band["median"], color=colour, marker=marker, label=start, lw=2)
    ax.set_xticks(
        places, [f"{one:,}" if axis == "memory_mb" else one for one in values]
    )
    ax.set_ylim(bottom=0)
    ax.set_xlabel(_NAMES[axis])
    ax.set_ylabel("Files per second, median and range")
    if runs["fresh"].nunique() > 1:
        key_above(ax)
    first = runs.iloc[0]
    where = where_measured(first["target"], first["machine"], int(first["files"]))
    return finished(figure, ax, _title(runs, axis), where)


def _title(runs: pd.DataFrame, axis: str) -> str:
    parted = runs["fresh"].nunique() > 1
    warm = runs[~runs["fresh"]] if parted else runs
    medians = warm.groupby(axis)["files_per_s"].median().sort_values()
    least, most = medians.index[0], medians.index[-1]
    unit = " MB" if axis == "memory_mb" else ""
    best, worst = (f"{one:,}{unit}" if unit else one for one in (most, least))
    if not medians.iloc[0] > 0:
        return f"No file arrived with {worst}"
    times, start = medians.iloc[-1] / medians.iloc[0], ", both warm" if parted else ""
    return f"{best}: {times:.2f} times the files per second of {worst}{start}"
