"""One chart a question; its title is the answer, computed from the table."""

from __future__ import annotations

from textwrap import fill
from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.collections import PolyCollection
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from experiment.words import duration, size, where_measured
from fetcher.outcome import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

GOAL_FILES = 1_000_000
GOAL_S = 60
GOAL_RATE = GOAL_FILES / GOAL_S

_INK = "#333333"
# Okabe and Ito's colours that are dark enough for lines on white, a marker each.
_SERIES = (("#0072B2", "o"), ("#D55E00", "s"), ("#009E73", "^"), ("#CC79A7", "D"))
_PHASES = (
    ("queued", "queued_at", "invoked_at", "#CCCCCC"),
    ("starting", "invoked_at", "downloading_at", "#E69F00"),
    ("downloading", "downloading_at", "downloaded_at", "#0072B2"),
    ("reporting", "downloaded_at", "answered_at", "#CC79A7"),
)
_SIZE_IN = (8, 4.5)
_PLAIN = FuncFormatter(lambda value, _: f"{value:,g}")
_MOST_ROWS_LABELLED = 20
_LABEL_POINTS = 13
_BAR_HEIGHT = 0.8
_TITLE_LETTERS = 84
_POINTS_PER_INCH = 72
_LABELLED_AT = (0.8, 0.6, 0.4, 0.2)  # a height each, or labels would meet


class ChartError(ValueError):
    """A chart would hide some of what it was given."""


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
    Draw how throughput grows with concurrency, one line per file size.

    The line is the median of the repeats, the band goes from the least to the most.
    """
    figure, ax = _axes()
    ends = []
    for file_kb, (colour, marker), rows in _series(runs, "file_kb"):
        band = rows.groupby("concurrency")["files_per_s"].agg(["median", "min", "max"])
        ax.fill_between(
            band.index, band["min"], band["max"], color=colour, alpha=0.15, lw=0
        )
        ax.plot(band.index, band["median"], color=colour, marker=marker, lw=2)
        ends.append((band["median"].iloc[-1], f"{size(file_kb)} files", colour))
    goal = f"goal: 1M files in {GOAL_S} s ({GOAL_RATE:,.0f} files/s)"
    ax.axhline(GOAL_RATE, color=_INK, lw=1, ls="--", zorder=0.5)
    ax.annotate(
        goal,
        (0, GOAL_RATE),
        (0, 4),
        ax.get_yaxis_transform(),
        textcoords="offset points",
        color=_INK,
        fontsize=9,
    )
    ax.set_xscale("log", base=2)
    ax.set_yscale("log")
    _only_measured(ax, runs["concurrency"])
    ax.set_ylim(top=max(GOAL_RATE, runs["files_per_s"].max()) * 2)
    on_the_axis = [end for end in ends if end[0] > 0]  # a log axis has no zero
    _label_ends(ax, runs["concurrency"].max(), on_the_axis)
    ax.set_xlabel("Concurrency: executions at once (log)")
    ax.set_ylabel("Files per second (log)")
    return _finished(figure, ax, verdict(runs), _where(runs))


def timeline(shards: pd.DataFrame, where: str) -> Figure:
    """Draw what each invocation was doing when: one row each, in the order sent."""
    figure, ax = _axes()
    start = shards["queued_at"].min()
    rows = np.arange(len(shards))
    for phase, since, until, colour in _PHASES:
        _bars(ax, rows, shards[since] - start, shards[until] - start, colour, phase)
    lost = (shards["error"] != "").to_numpy()
    if lost.any():
        answered = (shards["answered_at"] - start)[lost]
        sent = (shards["invoked_at"] - start)[lost]
        _bars(ax, rows[lost], sent, answered, "#D55E00", "lost")
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
    ax.legend(loc="upper right", frameon=False)  # always empty: later starts later
    return _finished(figure, ax, _timeline_title(shards), where)


def latency_by_size(downloads: pd.DataFrame, where: str) -> Figure:
    """Draw the share of downloads that were done within a time, one line per size."""
    figure, ax = _axes()
    whole = downloads[downloads["outcome"] == Outcome.OK.value]
    curves = zip(_series(whole, "file_kb"), _LABELLED_AT, strict=False)
    for (file_kb, (colour, _), rows), height in curves:
        seconds = np.sort(rows["seconds"].to_numpy())
        share = np.arange(1, len(seconds) + 1) / len(seconds)
        ax.step(seconds * 1e3, share * 100, where="post", color=colour, lw=2)
        ax.annotate(
            f"{size(file_kb)} files",
            (float(np.quantile(seconds, height)) * 1e3, height * 100),
            (8, -12),
            textcoords="offset points",
            color=colour,
        )
    ax.set_xscale("log")
    ax.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    ax.xaxis.set_major_formatter(_PLAIN)
    ax.xaxis.set_minor_locator(NullLocator())
    ax.set_xlabel("Milliseconds from first try to last byte (log)")
    ax.set_ylabel("Downloads done, %")
    ax.set_ylim(0, 101)
    return _finished(figure, ax, _latency_title(whole), where)


def _timeline_title(shards: pd.DataFrame) -> str:
    wall = shards["answered_at"].max() - shards["invoked_at"].min()
    busy = (shards["downloaded_at"] - shards["downloading_at"]).sum()
    held = (shards["answered_at"] - shards["invoked_at"]).sum()
    return (
        f"{len(shards):,} invocation{'s' * (len(shards) > 1)} took {duration(wall)}; "
        f"{busy / held:.0%} of their time went into downloading"
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


def _axes() -> tuple[Figure, Axes]:
    figure, ax = plt.subplots(figsize=_SIZE_IN, layout="constrained")
    ax.spines[["top", "right"]].set_visible(False)
    ax.grid(color=_INK, alpha=0.12)
    ax.set_axisbelow(True)
    return figure, ax


def _bars(
    ax: Axes,
    rows: np.ndarray,
    since: pd.Series,
    until: pd.Series,
    colour: str,
    label: str,
) -> None:
    """Draw a bar a row, all as one thing: a thousand single ones take seconds."""
    left, right = since.to_numpy(), until.to_numpy()
    low, high = rows - _BAR_HEIGHT / 2, rows + _BAR_HEIGHT / 2
    corners = [(left, low), (left, high), (right, high), (right, low)]
    outlines = list(np.array(corners).transpose(2, 0, 1))
    ax.add_collection(PolyCollection(outlines, facecolors=colour, label=label))
    ax.autoscale_view()


def _label_ends(ax: Axes, x: float, ends: list[tuple[float, str, str]]) -> None:
    """Label lines where they end, shifting up what would overlap the one below."""
    below = -np.inf
    for y, text, colour in sorted(ends):
        points = ax.transData.transform((x, y))[1] * _POINTS_PER_INCH / ax.figure.dpi
        shift = max(0.0, below + _LABEL_POINTS - points)
        below = points + shift
        ax.annotate(
            text,
            (x, y),
            (8, shift),
            textcoords="offset points",
            color=colour,
            va="center",
            annotation_clip=False,
        )


def _only_measured(ax: Axes, values: pd.Series) -> None:
    ax.set_xticks(sorted(values.unique()))
    ax.xaxis.set_major_formatter(_PLAIN)
    ax.xaxis.set_minor_locator(NullLocator())
    ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    ax.yaxis.set_major_formatter(_PLAIN)
    ax.yaxis.set_minor_locator(NullLocator())


def _finished(figure: Figure, ax: Axes, title: str, where: str) -> Figure:
    """Title and footnote it, and close it: the caller shows it once."""
    wrapped = fill(title, _TITLE_LETTERS)
    ax.set_title(wrapped, loc="left", fontweight="bold", fontsize=11)
    figure.supxlabel(where, x=0.99, ha="right", fontsize=8, color=_INK)
    plt.close(figure)
    return figure
