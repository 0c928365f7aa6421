"""Runs on the same axes: the time of a million, and how far each was when."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from experiment.charts.drawing import (
    BESIDE,
    BLUE,
    DASHED,
    PALETTE,
    SINCE_START,
    VERMILION,
    finished,
    key_above,
    new_axes,
    tick_measured,
)
from experiment.parameters.goal import GOAL_FILES, GOAL_S
from experiment.report.run_comparison import beside, targets_and_machines
from experiment.tables.over_time import run_seconds
from experiment.tables.projection.setting_ranking import AXES
from experiment.tables.words import duration

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.figure import Figure

    from experiment.report.run_comparison import Compared

_GROWN = 10  # times as many files, to say how time grows with them


def millions(runs: Sequence[Compared]) -> Figure:
    """Draw the time of a million files of each run, with its band."""
    ax = new_axes("Seconds for 1M files: median, band, and each run")
    beside_line: Any = BESIDE | {"va": "center"}
    for row, (one, colour) in enumerate(zip(runs, PALETTE, strict=False)):
        if not one.million:
            ax.annotate("too short to say", (0, row), (6, 0), **beside_line)
            continue
        low, high = one.million.low, one.million.high
        ax.plot([low, high], [row, row], color=colour, lw=8, alpha=0.3)
        seconds = one.runs["million_s"].dropna()
        ax.plot(seconds, [row] * len(seconds), "|", color=colour, ms=14)
        ax.plot([one.million.seconds], [row], "o", color=colour, ms=8)
    ax.axvline(GOAL_S, **DASHED)
    ax.annotate(f"goal: {GOAL_S} s", (GOAL_S, -0.8), (4, 0), **beside_line)
    ax.set_yticks(range(len(runs)), [one.letter for one in runs])
    ax.set_ylim(len(runs) - 0.4, -1)
    ax.set_xlim(left=0)
    ax.grid(axis="y", visible=False)
    ax.xaxis.set_major_formatter("{x:,.0f}")
    return finished(ax, _title(runs), _where(runs))


def progress(runs: Sequence[Compared]) -> Figure:
    """Draw the share of files that each run had reported over time."""
    ax = new_axes(SINCE_START, "Files reported, % of the run's")
    for one, colour in zip(runs, PALETTE, strict=False):
        shards = one.result.shards
        own = shards[shards["run"] == one.runs["run"].iloc[-1]]
        own = own.sort_values("answered_at")
        seconds = run_seconds(own["answered_at"], own)
        done = own["ok"].cumsum() / max(1, own["ok"].sum()) * 100
        look: Any = {"where": "post", "color": colour, "lw": 2}
        label = f"{one.letter}: {own['ok'].sum():,} files"
        ax.step(np.r_[0, seconds], np.r_[0, done], label=label, **look)
    ax.set_xlim(left=0)
    ax.set_ylim(0, 101)
    key_above(ax)
    slowest = max(runs, key=lambda one: one.runs["wall_s"].iloc[-1])
    took_s = slowest.runs["wall_s"].iloc[-1]
    title = f"{slowest.letter} took longest: {took_s:,.1f} s for its own files"
    return finished(ax, title, _where(runs))


def growth(runs: Sequence[Compared]) -> list[Figure]:
    """
    Draw how the time of a million files depends on how many a run downloads.

    Returns:
        A chart for each group of runs long enough to be projected whose settings,
        target and machine are the same, if the largest run of the group has at least
        ten times as many files as the smallest.
    """
    groups: dict[tuple[Any, ...], list[Compared]] = {}
    for one in sorted(runs, key=_files):
        if one.million:
            groups.setdefault(_setting(one), []).append(one)
    return [
        _growth(alike)
        for alike in groups.values()
        if _files(alike[-1]) >= _GROWN * _files(alike[0])
    ]


def _files(one: Compared) -> int:
    return int(one.runs["ok"].iloc[-1])


def _setting(one: Compared) -> tuple[Any, ...]:
    """Return what has to be the same for times to show how they grow with files."""
    names = [*AXES, "connections", "target", "machine"]
    return (*one.runs.iloc[-1][names], one.record.get("origin"))


def _growth(runs: Sequence[Compared]) -> Figure:
    latest = [one.runs.iloc[-1] for one in runs]
    files = np.array([run["ok"] for run in latest], int)
    whole = np.array([run["wall_s"] for run in latest]) / files * GOAL_FILES
    rates = np.array([run["steady_files_per_s"] for run in latest], float)
    steady = GOAL_FILES / rates
    ax = new_axes("Files downloaded by the run", "Seconds per million files")
    ax.plot(files, whole, "o-", color=BLUE, label="whole run")
    ax.plot(files, steady, "s--", color=VERMILION, label="at its steady rate")
    ax.axhline(GOAL_S, **DASHED)
    ax.annotate(f"goal: {GOAL_S} s", (files[0], GOAL_S), (0, 4), **BESIDE)
    ax.set_xscale("log")
    ax.set_ylim(0, whole.max() * 1.1)
    ax.yaxis.set_major_formatter("{x:,.0f}")
    key_above(ax)
    tick_measured(ax.xaxis, pd.Series(files))
    title = (
        f"A million files take {duration(whole[0])} at the pace of a run of "
        f"{files[0]:,}, and {duration(whole[-1])} at that of {files[-1]:,}"
    )
    return finished(ax, title, _where(runs))


def _title(runs: Sequence[Compared]) -> str:
    first, *others = runs
    if not others:
        return "One run: there is nothing to compare it with"
    said = [f"{one.letter}: {beside(first, one)}" for one in others[:2]]
    more = f"; and {len(others) - 2} more" if len(others) > 2 else ""  # noqa: PLR2004
    return f"Compared with {first.letter}, {'; '.join(said)}{more}"


def _where(runs: Sequence[Compared]) -> str:
    targets, machines = targets_and_machines(runs)
    not_aws = ", not AWS" if targets == ["local"] else ""
    return f"target: {', '.join(targets)}{not_aws}. Machine: {', '.join(machines)}"
