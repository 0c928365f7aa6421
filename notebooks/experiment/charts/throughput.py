"""Files per second by concurrency, beside the goal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from experiment.charts.drawing import (
    BESIDE,
    DASHED,
    draw_band,
    finished,
    key_to_bands,
    label_ends,
    new_axes,
    one_style_each,
    tick_measured,
    tick_round,
)
from experiment.parameters.goal import GOAL_RATE, GOAL_S
from experiment.tables.projection.million_time import of_one_start
from experiment.tables.verdict import verdict
from experiment.tables.words import size, where_measured

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure


def files_per_s_by_concurrency(runs: pd.DataFrame) -> Figure:
    """
    Draw throughput by concurrency, one line per file size.

    The line is the median of the warm runs, the band spans the slowest to the fastest;
    cold runs are drawn apart.
    """
    ax = new_axes("Concurrency: executions at once (log)", "Files per second (log)")
    ends = []
    for file_kb, (colour, marker), every in one_style_each(runs, "file_kb"):
        rows, cold = of_one_start(every), every[every["cold"]]
        if len(cold) < len(every):
            apart: Any = {"color": colour, "marker": marker, "ls": "", "mfc": "white"}
            ax.plot(cold["concurrency"], cold["files_per_s"], **apart)
        band = rows.groupby("concurrency")["files_per_s"].agg(["median", "min", "max"])
        draw_band(ax, band.index, band, (colour, marker))
        ends.append((band["median"].iloc[-1], f"{size(file_kb)} files", colour))
    goal = f"goal: 1M files in {GOAL_S} s ({GOAL_RATE:,.0f} files/s)"
    ax.axhline(GOAL_RATE, zorder=0.5, **DASHED)
    ax.annotate(goal, (0, GOAL_RATE), (4, 4), ax.get_yaxis_transform(), **BESIDE)
    ax.set_xscale("log", base=2)
    ax.set_yscale("log")
    tick_measured(ax.xaxis, runs["concurrency"])
    ax.set_ylim(top=max(GOAL_RATE, runs["files_per_s"].max()) * 2)
    tick_round(ax.yaxis)
    on_the_axis = [end for end in ends if end[0] > 0]  # a log axis has no zero
    label_ends(ax, runs["concurrency"].max(), on_the_axis)
    if runs.groupby(["concurrency", "file_kb"]).size().max() > 1:
        key_to_bands(ax, marks_cold=runs["cold"].nunique() > 1)
    return finished(ax, verdict(runs), where_measured(runs))
