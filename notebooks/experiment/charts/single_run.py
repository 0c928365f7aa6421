"""The charts of one wide run; each title is the answer, computed from the table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from experiment.charts.drawing import (
    BLUE,
    DASHED,
    PALETTE,
    SINCE_START,
    VERMILION,
    begin_at_zero,
    finished,
    key_above,
    new_axes,
)
from experiment.parameters.goal import GOAL_FILES, GOAL_RATE, GOAL_S
from experiment.run.cpu_layer_benchmark import ALONE, FLOOR
from experiment.run.machine_load import PARTS
from experiment.tables.verdict import verdict
from fetcher.contract.outcome import Outcome

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matplotlib.figure import Figure

_BAR_HEIGHT = 0.5
_LABELLED_SHARE = 0.04  # of the longest bar; shorter segments have no room for a figure
_GIB = 2**30
_SINCE_RESUMED = "Seconds since the first request after the run was resumed"
_EXECUTIONS = "executions"  # one of `PARTS`
_READING_OF_RUN = (
    "*This run* is all of it, by process: *notebook* plans, sends requests and "
    "keeps the ledger; *control plane* is the local Lambda endpoint, which passes on "
    "every request and report."
)
_READING_OF_SENDER = (
    "*This run* is what this notebook's own processes did: they planned, sent requests "
    "and kept the ledger. The executions are not among them."
)
_READINGS = {
    ALONE: "*Worker alone* is an execution's work without Lambda, layer by layer.",
    FLOOR: "*wrk* requests the same file and discards it: the lower bound.",
}


def files_over_time(progress: pd.DataFrame, runs: pd.DataFrame, where: str) -> Figure:
    """Draw the files done over time, beside the goal."""
    ax = new_axes(SINCE_START, "Files done")
    files, took_s = progress["files"].iloc[-1], progress["seconds"].iloc[-1]
    done = [0, *progress["seconds"]], [0, *progress["files"]]
    ax.plot(*done, color=BLUE, lw=2, label="files done")
    goal_s = min(GOAL_S, max(took_s, files / GOAL_RATE))
    goal = f"goal: {GOAL_FILES:,} files in {GOAL_S} s"
    ax.plot([0, goal_s], [0, goal_s * GOAL_RATE], label=goal, **DASHED)
    begin_at_zero(ax)
    key_above(ax)
    return finished(ax, verdict(runs), where)


def rate_over_time(progress: pd.DataFrame, where: str) -> Figure:
    """Draw files per second over time."""
    ax = new_axes(SINCE_START, "Files per second")
    rates, ends = progress["files_per_s"], [0, *progress["seconds"]]
    ax.stairs(rates, ends, baseline=None, color=BLUE, lw=1.5, label="files per second")
    ax.axhline(GOAL_RATE, label=f"goal: {GOAL_RATE:,.0f}/s", **DASHED)
    begin_at_zero(ax)
    key_above(ax)
    low, middle = rates.quantile([0.1, 0.5])
    title = (
        f"Half of the time at least {middle:,.0f} files/s, nine tenths of it at least "
        f"{low:,.0f}"
    )
    if not middle:  # so short a run is all beginning and end
        title = (
            f"Files came for less than half of the time, {rates.max():,.0f}/s at most"
        )
    return finished(ax, title, where)


def outcome_counts(counts: Mapping[str, int], where: str) -> Figure:
    """Draw the number of files by outcome."""
    ax = new_axes("Files (log)")
    met = {name: count for name, count in counts.items() if count}
    names = sorted(met, key=lambda name: met[name])
    bars = ax.barh(
        names,
        [met[name] for name in names],
        color=[BLUE if name == Outcome.OK.value else VERMILION for name in names],
        height=_BAR_HEIGHT,
    )
    ax.set_ylim(-1, len(names))
    ax.bar_label(bars, [f"{met[name]:,}" for name in names], padding=4)
    ax.set_xscale("symlog", linthresh=10)
    ax.margins(x=0.15)
    ax.xaxis.set_major_formatter("{x:,.0f}")
    ok, total = counts.get(Outcome.OK.value, 0), sum(counts.values())
    title = f"{ok:,} of {total:,} files arrived whole; {total - ok:,} did not"
    return finished(ax, title, where)


def machine_load(load: pd.DataFrame, shards: pd.DataFrame, where: str) -> Figure:
    """Draw the use of processors and memory during a run, or since it was resumed."""
    ax = new_axes()
    sent_at = _sampled(load, shards)["invoked_at"]
    seconds = load["at"] - min(sent_at, default=load["at"].iloc[0])
    ax.plot(seconds, load["cpu_percent"], color=BLUE, lw=1.5, label="processors, %")
    ax.set_xlim(left=0)
    ax.set_ylim(0, 105)
    ax.set_ylabel("Processors busy, %", color=BLUE)
    ax.set_xlabel(SINCE_START if len(sent_at) == len(shards) else _SINCE_RESUMED)
    memory = ax.twinx()
    used = load["used_bytes"] / _GIB
    memory.plot(seconds, used, color=VERMILION, lw=1.5, ls="-.", label="memory, GiB")
    memory.set_ylim(0, used.max() * 1.2)
    memory.set_ylabel("Memory used, GiB", color=VERMILION)
    memory.spines[["top"]].set_visible(False)
    key_above(ax, [*ax.lines, *memory.lines])
    during = load[seconds > 0]["cpu_percent"]
    title = (
        f"This machine's processors were {during.mean():.0f} % busy; its memory rose "
        f"by {used.max() - used.iloc[0]:.1f} GiB"
    )
    return finished(ax, title, where)


def cpu_by_part(load: pd.DataFrame, shards: pd.DataFrame) -> pd.Series:
    """Return the CPU microseconds per `ok` file of each part of the run."""
    used = load[list(PARTS)].iloc[-1] - load[list(PARTS)].iloc[0]
    return used / max(_sampled(load, shards)["ok"].sum(), 1) * 1e6


def _sampled(load: pd.DataFrame, shards: pd.DataFrame) -> pd.DataFrame:
    """Return the invocations sent while the load was sampled: the last session's."""
    return shards[shards["invoked_at"] >= load["at"].iloc[0]]


def reading_of_cpu(bars: Mapping[str, pd.Series]) -> str:
    """Say what each bar of the stack is."""
    others = [_READINGS[name] for name in bars if name in _READINGS]
    run = next(iter(bars.values()))
    return " ".join(
        [_READING_OF_RUN if run[_EXECUTIONS] else _READING_OF_SENDER, *others]
    )


def cpu_stack(bars: Mapping[str, pd.Series], where: str) -> Figure:
    """Draw the CPU microseconds per file, a stacked bar each; the first is the run."""
    ax = new_axes("CPU microseconds per file")
    parts = dict.fromkeys(part for bar in bars.values() for part in bar.index)
    table = pd.DataFrame(bars).fillna(0.0).loc[list(parts)]
    look: Any = {"color": PALETTE, "width": _BAR_HEIGHT, "xlabel": ax.get_xlabel()}
    table.T.plot.barh(ax=ax, stacked=True, grid=True, **look)
    least = table.sum().max() * _LABELLED_SHARE
    look = {"label_type": "center", "color": "white", "fontsize": 9}
    parts_drawn: Any = ax.containers
    for part in parts_drawn:
        figures = [f"{each:,.0f}" if each > least else "" for each in part.datavalues]
        ax.bar_label(part, figures, **look)
    ax.set_ylim(len(bars), -1)
    ax.grid(axis="y", visible=False)
    ax.xaxis.set_major_formatter("{x:,.0f}")
    ax.legend(loc="center left", bbox_to_anchor=(1, 0.5), frameon=False, fontsize=9)
    name, run = next(iter(bars.items()))
    whole = f"{run.sum():,.0f} µs of CPU"
    title = (
        f"{name.capitalize()}: a file costs {whole}, "
        f"{run.max() / run.sum() * 100:.0f} % of it in the {run.idxmax()}"
    )
    if not run[_EXECUTIONS]:
        title = f"A file costs {whole} in this notebook's processes, without executions"
    return finished(ax, title, where)
