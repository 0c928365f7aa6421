"""The effect of each further axis of a grid: a chart for each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from experiment.charts.drawing import (
    BLUE,
    VERMILION,
    draw_band,
    finished,
    key_above,
    new_axes,
)
from experiment.tables.projection.million_time import million_of, of_one_start
from experiment.tables.projection.setting_ranking import AXES, ranking, runs_at
from experiment.tables.words import size, where_measured

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd
    from matplotlib.figure import Figure

_NAMES = {"memory_mb": "Memory, MB", "engine": "Engine", "sink": "Sink"}
_STARTS = {"warm": (BLUE, "o"), "cold": (VERMILION, "s")}


def axis_charts(runs: pd.DataFrame) -> Iterator[tuple[str, Figure]]:
    """Yield a name and a chart for each axis that was varied."""
    for axis in _NAMES:
        if runs[axis].nunique() > 1:
            yield f"files_per_s_by_{axis}", _chart(_only(runs, axis), axis)


def _only(runs: pd.DataFrame, axis: str) -> pd.DataFrame:
    """Return the runs that differ from the best only in an axis or the start."""
    smallest = runs[runs["file_kb"] == runs["file_kb"].min()]
    ranked = ranking(smallest)
    fastest = smallest.loc[smallest["files_per_s"].idxmax(), list(AXES)]
    values = ranked[0][0] if ranked else tuple(fastest)
    return runs_at(smallest, values, [name for name in AXES if name != axis])


def _chart(runs: pd.DataFrame, axis: str) -> Figure:
    ax = new_axes(_NAMES[axis], "Files per second, median and range")
    values = sorted(runs[axis].unique())
    places = range(len(values))
    for start, look in _STARTS.items():
        rows = runs[runs["cold"] == (start == "cold")]
        if not rows.empty:
            band = rows.groupby(axis)["files_per_s"].agg(["median", "min", "max"])
            draw_band(ax, places, band.reindex(values), look, start)
    ax.set_xticks(
        places, [f"{one:,}" if axis == "memory_mb" else one for one in values]
    )
    ax.set_ylim(bottom=0)
    if runs["cold"].nunique() > 1:
        key_above(ax)
    size_kb, concurrency = runs[["file_kb", "concurrency"]].iloc[0]
    which = f"{size(size_kb)} files at concurrency {concurrency:,}"
    return finished(ax, _title(runs, axis), f"{where_measured(runs)}. {which}")


def _title(runs: pd.DataFrame, axis: str) -> str:
    """Say what the best value is worth, if its band is clear of the worst one's."""
    warm = of_one_start(runs)
    medians = warm.groupby(axis)["files_per_s"].median().sort_values()
    least, most = medians.index[0], medians.index[-1]
    unit = " MB" if axis == "memory_mb" else ""
    best, worst = (f"{one:,}{unit}" if unit else one for one in (most, least))
    if not medians.iloc[0] > 0:
        return f"No file arrived with {worst}"
    fast, slow = (million_of(warm[warm[axis] == one]) for one in (most, least))
    if not (fast and slow):
        return f"{best} and {worst}: the runs are too short to compare"
    if not fast.beats(slow):
        return f"{best} and {worst}: no difference shown"
    times = slow.seconds / fast.seconds
    start = ", both warm" if runs["cold"].nunique() > 1 else ""
    return f"{best}: {times:.1f} times as fast as {worst}{start}"
