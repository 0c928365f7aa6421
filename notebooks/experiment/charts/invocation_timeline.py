"""What each invocation of a run was doing when."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from experiment.charts.drawing import (
    AMBER,
    BLUE,
    INK,
    PINK,
    SINCE_START,
    VERMILION,
    draw_bars,
    finished,
    key_above,
    new_axes,
)
from experiment.tables.projection.run_phases import phases_of
from experiment.tables.words import duration

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_PHASES = (
    ("queued", "queued_at", "invoked_at", "#CCCCCC"),
    ("starting", "invoked_at", "downloading_at", AMBER),
    ("downloading", "downloading_at", "downloaded_at", BLUE),
    ("reporting", "downloaded_at", "answered_at", PINK),
)
_MOST_ROWS_LABELLED = 20


def timeline(shards: pd.DataFrame, where: str, *, of: str = "") -> Figure:
    """
    Draw what each invocation was doing when: a row each, in the order sent.

    Behind them, the run is starting up, in its steady phase, or at its tail.
    """
    ax = new_axes(SINCE_START, "Invocation, in the order sent")
    start = shards["invoked_at"].min()
    rows = np.arange(len(shards))
    for phase, since, until, colour in _PHASES:
        draw_bars(ax, rows, shards[since] - start, shards[until] - start, colour, phase)
    lost = (shards["error"] != "").to_numpy()
    if lost.any():
        answered = (shards["answered_at"] - start)[lost]
        sent = (shards["invoked_at"] - start)[lost]
        draw_bars(ax, rows[lost], sent, answered, VERMILION, "lost")
    _shade_steady(ax, shards, start)
    ax.set_xlim(0, shards["answered_at"].max() - start)
    ax.invert_yaxis()
    ax.grid(axis="y", visible=False)
    if len(shards) > _MOST_ROWS_LABELLED:
        rows = rows[[0, -1]]
    ax.set_yticks(rows, [f"{row + 1:,}" for row in rows])
    key_above(ax)
    title = _timeline_title(shards)
    return finished(ax, f"{of}: {title}" if of else title, where)


def _shade_steady(ax: Axes, shards: pd.DataFrame, start: float) -> None:
    """Shade the steady phase: nearly all executions were at work."""
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
        f"up, {duration(steady_s)} at a steady rate (shaded), {duration(tail_s)} "
        "until the last report"
    )
