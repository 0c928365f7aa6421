"""A chart per question; its title is the answer, computed from the table."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from experiment.charts.drawing import (
    BAND_ALPHA,
    INK,
    SINCE_START,
    draw_bars,
    finished,
    key_above,
    key_to_bands,
    label_ends,
    new_axes,
    tick_measured,
    tick_round,
)
from experiment.tables.goal import GOAL_RATE, GOAL_S
from experiment.tables.projection import phases_of
from experiment.tables.verdict import of_one_start, verdict
from experiment.tables.words import duration, size, where_measured
from fetcher.contract.outcome import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


# The colours of Okabe and Ito that are dark enough on white, with a marker each.
_SERIES = (("#0072B2", "o"), ("#D55E00", "s"), ("#009E73", "^"), ("#CC79A7", "D"))
_PHASES = (
    ("queued", "queued_at", "invoked_at", "#CCCCCC"),
    ("starting", "invoked_at", "downloading_at", "#E69F00"),
    ("downloading", "downloading_at", "downloaded_at", "#0072B2"),
    ("reporting", "downloaded_at", "answered_at", "#CC79A7"),
)
_MOST_ROWS_LABELLED = 20
_MARKERS = 5  # on a line of thousands of points


class ChartError(ValueError):
    """A chart would hide some of its data."""


def files_per_s_by_concurrency(runs: pd.DataFrame) -> Figure:
    """
    Draw throughput by concurrency, one line per file size.

    The line is the median of the warm runs, the band spans the slowest to the fastest;
    cold runs are drawn apart.
    """
    figure, ax = new_axes(
        "Concurrency: executions at once (log)", "Files per second (log)"
    )
    ends = []
    for file_kb, (colour, marker), every in _series(runs, "file_kb"):
        rows, cold = of_one_start(every), every[every["cold"]]
        if len(cold) < len(every):
            ax.plot(
                cold["concurrency"],
                cold["files_per_s"],
                color=colour,
                marker=marker,
                ls="",
                mfc="white",
            )
        band = rows.groupby("concurrency")["files_per_s"].agg(["median", "min", "max"])
        ax.fill_between(
            band.index, band["min"], band["max"], color=colour, alpha=BAND_ALPHA, lw=0
        )
        ax.plot(band.index, band["median"], color=colour, marker=marker, lw=2)
        ends.append((band["median"].iloc[-1], f"{size(file_kb)} files", colour))
    goal = f"goal: 1M files in {GOAL_S} s ({GOAL_RATE:,.0f} files/s)"
    ax.axhline(GOAL_RATE, color=INK, lw=1, ls="--", zorder=0.5)
    ax.annotate(
        goal,
        (0, GOAL_RATE),
        (4, 4),
        ax.get_yaxis_transform(),
        textcoords="offset points",
        color=INK,
        fontsize=9,
    )
    ax.set_xscale("log", base=2)
    ax.set_yscale("log")
    tick_measured(ax.xaxis, runs["concurrency"])
    ax.set_ylim(top=max(GOAL_RATE, runs["files_per_s"].max()) * 2)
    tick_round(ax.yaxis)
    on_the_axis = [end for end in ends if end[0] > 0]  # a log axis has no zero
    label_ends(ax, runs["concurrency"].max(), on_the_axis)
    if runs.groupby(["concurrency", "file_kb"]).size().max() > 1:
        key_to_bands(ax, marks_cold=runs["cold"].nunique() > 1)
    return finished(figure, ax, verdict(runs), _where(runs))


def timeline(shards: pd.DataFrame, where: str, *, of: str = "") -> Figure:
    """
    Draw what each invocation was doing when: a row each, in the order sent.

    Behind them, the run is starting up, downloading steadily, or at its tail.
    """
    figure, ax = new_axes(SINCE_START, "Invocation, in the order sent")
    start = shards["invoked_at"].min()
    rows = np.arange(len(shards))
    for phase, since, until, colour in _PHASES:
        draw_bars(ax, rows, shards[since] - start, shards[until] - start, colour, phase)
    lost = (shards["error"] != "").to_numpy()
    if lost.any():
        answered = (shards["answered_at"] - start)[lost]
        sent = (shards["invoked_at"] - start)[lost]
        draw_bars(ax, rows[lost], sent, answered, "#D55E00", "lost")
    _shade_steady(ax, shards, start)
    ax.set_xlim(0, shards["answered_at"].max() - start)
    ax.invert_yaxis()
    ax.grid(axis="y", visible=False)
    if len(shards) > _MOST_ROWS_LABELLED:
        ax.set_yticks([0, len(shards) - 1])
    else:
        ax.set_yticks(rows)
    ax.set_yticklabels([f"{int(tick) + 1:,}" for tick in ax.get_yticks()])
    key_above(ax)
    title = _timeline_title(shards)
    return finished(figure, ax, f"{of}: {title}" if of else title, where)


def latency_by_size(downloads: pd.DataFrame, where: str) -> Figure:
    """Draw the share of downloads done within a time, one line per file size."""
    figure, ax = new_axes(
        "Milliseconds from first try to last byte (log)", "Downloads done, %"
    )
    whole = downloads[downloads["outcome"] == Outcome.OK.value]
    for file_kb, (colour, marker), rows in _series(whole, "file_kb"):
        seconds = np.sort(rows["seconds"].to_numpy())
        share = np.arange(1, len(seconds) + 1) / len(seconds)
        every = -(-len(seconds) // _MARKERS)
        ax.step(
            seconds * 1e3,
            share * 100,
            where="post",
            color=colour,
            marker=marker,
            markevery=(every // 2, every),
            lw=2,
            label=f"{size(file_kb)} files",
        )
    ax.set_xscale("log")
    tick_round(ax.xaxis)
    key_above(ax)
    ax.set_ylim(0, 101)
    return finished(figure, ax, _latency_title(whole), where)


def _shade_steady(ax: Axes, shards: pd.DataFrame, start: float) -> None:
    """Shade the time in which nearly all executions were downloading."""
    for _, session in shards.groupby("session"):
        phases = phases_of(session)
        since = session["invoked_at"].min() - start + phases.startup_s
        if phases.steady_s > 0:
            until = since + phases.steady_s
            ax.axvspan(since, until, color=INK, alpha=0.07, lw=0, zorder=0)


def _timeline_title(shards: pd.DataFrame) -> str:
    sessions = [phases_of(rows) for _, rows in shards.groupby("session")]
    startup_s, steady_s, tail_s = (
        sum(getattr(one, name) for one in sessions)
        for name in ("startup_s", "steady_s", "tail_s")
    )
    return (
        f"{len(shards):,} invocation{'s' * (len(shards) > 1)} took "
        f"{duration(startup_s + steady_s + tail_s)}: {duration(startup_s)} starting "
        f"up, {duration(steady_s)} downloading steadily (shaded), {duration(tail_s)} "
        "until the last report"
    )


def _latency_title(whole: pd.DataFrame) -> str:
    if whole.empty:
        return "No file arrived whole: there is no latency to show"
    sizes = whole.groupby("file_kb", observed=True)["seconds"]
    middle, late = (
        # Times that downloads took, as in the tables: none between two of them.
        sizes.quantile(share, interpolation="lower") * 1e3
        for share in (0.5, 0.99)
    )
    slowest = late.idxmax()
    return (
        f"{size(slowest)} files: half are done within {middle[slowest]:,.0f} ms, "
        f"99 % within {late[slowest]:,.0f} ms"
    )


def _where(runs: pd.DataFrame) -> str:
    first = runs.iloc[0]
    return where_measured(first["target"], first["machine"], runs["files"])


def _series(
    table: pd.DataFrame, by: str
) -> Iterable[tuple[float, tuple[str, str], pd.DataFrame]]:
    groups = list(table.groupby(by, observed=True))
    if len(groups) > len(_SERIES):
        msg = (
            f"{len(groups)} values of {by} are too many for one chart; it shows up to "
            f"{len(_SERIES)}. Measure fewer in one grid."
        )
        raise ChartError(msg)
    return (
        (key, style, rows) for (key, rows), style in zip(groups, _SERIES, strict=False)
    )
