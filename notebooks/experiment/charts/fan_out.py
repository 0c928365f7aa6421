"""A chart per question; its title is the answer, computed from the table."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from experiment.charts.drawing import (
    BAND_ALPHA,
    INK,
    draw_bars,
    finished,
    key_above,
    key_to_bands,
    label_ends,
    new_axes,
    tick_measured,
    tick_round,
)
from experiment.tables.goal import GOAL_FILES, GOAL_RATE, GOAL_S
from experiment.tables.words import duration, size, where_measured
from fetcher.contract.outcome import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd
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


def verdict(runs: pd.DataFrame) -> str:
    """
    Say in one sentence whether the best setting meets the goal.

    Settings are ranked by their median run, so one lucky run cannot win. If fewer
    files than the goal's arrived in a run, the time is projected, and says so.

    >>> import pandas as pd
    >>> verdict(pd.DataFrame({"concurrency": [64, 512], "file_kb": 10, "ok": 10**6,
    ...     "files_per_s": [2_000.0, 20_000.0], "target": "aws"}))
    'At concurrency 512, 1M files of 10 kB take 50.0 s: inside the 60 s goal'
    """
    medians = runs.groupby(["concurrency", "file_kb"])["files_per_s"].median()
    concurrency, file_kb = medians.idxmax()
    rate = medians.max()
    if not rate > 0:
        return "No file arrived: nothing can be said about the 60 s goal"
    seconds = GOAL_FILES / rate
    met = "inside" if seconds <= GOAL_S else "outside"
    best = runs[(runs["concurrency"] == concurrency) & (runs["file_kb"] == file_kb)]
    whole = best["ok"].min() >= GOAL_FILES
    take = "take" if whole else "would take"
    here = "On this machine, at" if (runs["target"] == "local").all() else "At"
    return (
        f"{here} concurrency {concurrency:,}, 1M files of {size(file_kb)} {take} "
        f"{duration(seconds)}: {met} the {GOAL_S} s goal"
    )


def files_per_s_by_concurrency(runs: pd.DataFrame) -> Figure:
    """
    Draw throughput by concurrency, one line per file size.

    The line is the median of the repeats, the band spans the slowest to the fastest.
    """
    figure, ax = new_axes()
    ends = []
    for file_kb, (colour, marker), rows in _series(runs, "file_kb"):
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
    ax.set_xlabel("Concurrency: executions at once (log)")
    ax.set_ylabel("Files per second (log)")
    if runs.groupby(["concurrency", "file_kb"]).size().max() > 1:
        key_to_bands(ax)
    return finished(figure, ax, verdict(runs), _where(runs))


def timeline(shards: pd.DataFrame, where: str, *, of: str = "") -> Figure:
    """
    Draw what each invocation was doing when: a row each, in the order sent.

    Args:
        shards: The invocations of one run.

        where: The footnote.

        of: Which run it is, if there are several.
    """
    figure, ax = new_axes()
    start = shards["queued_at"].min()
    rows = np.arange(len(shards))
    for phase, since, until, colour in _PHASES:
        draw_bars(ax, rows, shards[since] - start, shards[until] - start, colour, phase)
    lost = (shards["error"] != "").to_numpy()
    if lost.any():
        answered = (shards["answered_at"] - start)[lost]
        sent = (shards["invoked_at"] - start)[lost]
        draw_bars(ax, rows[lost], sent, answered, "#D55E00", "lost")
    ax.set_xlim(left=0)
    ax.invert_yaxis()
    ax.grid(axis="y", visible=False)
    ax.set_xlabel("Seconds since the run began")
    ax.set_ylabel("Invocation, in the order sent")
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
    figure, ax = new_axes()
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
    ax.set_xlabel("Milliseconds from first try to last byte (log)")
    ax.set_ylabel("Downloads done, %")
    ax.set_ylim(0, 101)
    return finished(figure, ax, _latency_title(whole), where)


def _timeline_title(shards: pd.DataFrame) -> str:
    wall = shards["answered_at"].max() - shards["invoked_at"].min()
    busy = (shards["downloaded_at"] - shards["downloading_at"]).sum()
    held = (shards["answered_at"] - shards["invoked_at"]).sum()
    return (
        f"{len(shards):,} invocation{'s' * (len(shards) > 1)} took {duration(wall)}; "
        f"{busy / held * 100:.0f} % of their time went into downloading"
    )


def _latency_title(whole: pd.DataFrame) -> str:
    if whole.empty:
        return "No file arrived whole: there is no latency to show"
    sizes = whole.groupby("file_kb", observed=True)["seconds"]
    middle, late = sizes.median() * 1e3, sizes.quantile(0.99) * 1e3
    slowest = late.idxmax()
    return (
        f"{size(slowest)} files: half are done within {middle[slowest]:,.0f} ms, "
        f"99 % within {late[slowest]:,.0f} ms"
    )


def _where(runs: pd.DataFrame) -> str:
    first = runs.iloc[0]
    return where_measured(first["target"], first["machine"], int(first["files"]))


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
