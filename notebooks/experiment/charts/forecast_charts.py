"""The charts of a forecast: a map of fleets, time against dollars, what moves it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.colors import ListedColormap
from matplotlib.patches import Patch

from aws_facts.fleet_constants import GUESS, OURS, RECORDED
from aws_facts.limits import limit
from experiment.charts.drawing import (
    BESIDE,
    BLUE,
    DASHED,
    GREEN,
    GREY,
    INK,
    PALETTE,
    SKY,
    VERMILION,
    finished,
    key_above,
    new_axes,
)
from experiment.fleet.bottlenecks import LIMITS, SEVERAL
from experiment.fleet.sensitivity import YOURS
from experiment.fleet.trade_offs import cheapest_within, frontier_of
from experiment.tables.words import duration
from rollout.price import in_dollars

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_NAMES = (*LIMITS, SEVERAL)
_COLOURS = dict(zip(_NAMES, PALETTE, strict=True))
_KINDS = {YOURS: BLUE, RECORDED: GREEN, OURS: SKY, GUESS: VERMILION}
_MOST_BARS = 12
_BAND = 0.02  # of the time: less is no move


def map_chart(fleets: pd.DataFrame, deadline_s: float, where: str) -> Figure:
    """Draw fleets of `map_of`: the deadline as a line, the bottleneck as colour."""
    ax = new_axes(
        "Concurrency: executions at once (the cell: median seconds)", "Memory, MB"
    )
    coded = fleets.assign(code=fleets["binds"].map(_NAMES.index))
    table = coded.pivot(index="memory_mb", columns="concurrency")
    seconds, codes = table["seconds"], table["code"]
    wide, large = np.arange(codes.shape[1]), np.arange(codes.shape[0])
    ax.pcolormesh(
        wide,
        large,
        codes.to_numpy(),
        cmap=ListedColormap(list(_COLOURS.values())),
        vmin=-0.5,
        vmax=len(_NAMES) - 0.5,
        alpha=0.55,
        shading="nearest",
    )
    for row, times in enumerate(seconds.to_numpy()):
        for column, time in enumerate(times):
            weight = "bold" if time <= deadline_s else "normal"
            look: Any = {"ha": "center", "va": "center", "fontweight": weight}
            ax.text(column, row, f"{time:,.0f}", fontsize=8, color=INK, **look)
    _line_at(ax, seconds.to_numpy(), deadline_s)
    ax.set_xticks(wide, [f"{value:,}" for value in codes.columns])
    ax.set_yticks(large, [f"{value:,}" for value in codes.index])
    ax.grid(visible=False)
    _quotas(ax, list(codes.columns), list(codes.index))
    met = [name for name in _NAMES if (fleets["binds"] == name).any()]
    key_above(ax, [Patch(color=_COLOURS[name], alpha=0.55, label=name) for name in met])
    return finished(ax, in_words(fleets, deadline_s), where)


def in_words(fleets: pd.DataFrame, deadline_s: float) -> str:
    """Say which is the cheapest fleet inside the deadline, or that there is none."""
    best = cheapest_within(fleets, deadline_s)
    if best is None:
        fastest = fleets.loc[fleets["seconds"].idxmin()]
        return (
            f"No fleet has a median under {duration(deadline_s)}; the fastest, "
            f"{_named(fastest)}, would take {duration(fastest['seconds'])}; its "
            f"bottleneck: {fastest['binds']}"
        )
    return (
        f"The cheapest fleet with a median under {duration(deadline_s)}: "
        f"{_named(best)} would take {duration(best['seconds'])} for "
        f"{in_dollars(best['dollars'])}"
    )


def _named(fleet: pd.Series) -> str:
    return f"{fleet['concurrency']:,} executions of {fleet['memory_mb']:,} MB"


def frontier_chart(fleets: pd.DataFrame, deadline_s: float, where: str) -> Figure:
    """Draw the dollars of every fleet against its time, and those that none beats."""
    ax = new_axes("Seconds from the first call to the last report (log)", "Dollars")
    best = frontier_of(fleets)
    ax.scatter(fleets["seconds"], fleets["dollars"], s=12, color=GREY, alpha=0.6)
    ax.plot(best["seconds"], best["dollars"], color=BLUE, marker="o", lw=1.5, ms=4)
    ax.axvline(deadline_s, **DASHED)
    text, top = f"deadline: {duration(deadline_s)}", ax.get_xaxis_transform()
    ax.annotate(text, (deadline_s, 1), (4, -4), top, va="top", **BESIDE)
    named = [
        ("fastest", best.iloc[0], 8, "left"),
        ("cheapest", best.iloc[-1], 8, "right"),
    ]
    if (inside := cheapest_within(fleets, deadline_s)) is not None:
        named.append(("cheapest inside", inside, -14, "center"))
    for name, fleet, up, side in named:
        text = f"{name}: {fleet['concurrency']:,} × {fleet['memory_mb']:,} MB"
        point, look = (fleet["seconds"], fleet["dollars"]), {"color": BLUE, "ha": side}
        ax.annotate(text, point, (0, up), **BESIDE | look)
    ax.set_xscale("log")
    ax.xaxis.set_major_formatter("{x:,.0f}")
    ax.yaxis.set_major_formatter("${x:,.2f}")
    ax.set_ylim(bottom=0)
    first, last = best.iloc[0], best.iloc[-1]
    title = (
        f"From {in_dollars(last['dollars'])} in {duration(last['seconds'])} to "
        f"{in_dollars(first['dollars'])} in {duration(first['seconds'])}: no fleet is "
        "both faster and cheaper"
    )
    return finished(ax, title, where)


def tornado(moved: pd.DataFrame, where: str) -> Figure:
    """Draw how far each input moves the median, as `moves` found it."""
    ax = new_axes("Median seconds")
    rows = moved.head(_MOST_BARS)
    now_s = float(rows["now_s"].iloc[0])
    left = rows[["low_s", "high_s"]].min(axis=1).clip(upper=now_s)
    right = rows[["low_s", "high_s"]].max(axis=1).clip(lower=now_s)
    colours = rows["kind"].map(_KINDS)
    ax.barh(rows["name"], right - left, 0.6, left, color=colours)
    ax.axvline(now_s, color=INK, lw=1)
    ax.invert_yaxis()
    ax.tick_params("y", labelsize=8)
    ax.grid(axis="y", visible=False)
    kinds = [kind for kind in _KINDS if (rows["kind"] == kind).any()]
    key_above(ax, [Patch(color=_KINDS[kind], label=kind) for kind in kinds])
    return finished(ax, what_moves(moved), where)


def what_moves(moved: pd.DataFrame) -> str:
    """Say which input moves the answer most, and which that nobody has measured."""
    first, now_s = moved.iloc[0], moved["now_s"].iloc[0]
    text = (
        f"{first['name']} moves the median of {duration(now_s)} most: {_between(first)}"
    )
    guesses = moved[moved["kind"] == GUESS]
    width = (guesses["high_s"] - guesses["low_s"]).abs()
    if first["kind"] == GUESS or width.max() < now_s * _BAND:
        return text
    guess = guesses.loc[width.idxmax()]
    return f"{text}; of the guesses, {guess['name']}: {_between(guess)}"


def _between(row: pd.Series) -> str:
    low, high = sorted((row["low_s"], row["high_s"]))
    return f"{duration(low)} to {duration(high)}"


def _line_at(ax: Axes, seconds: np.ndarray, deadline_s: float) -> None:
    """Draw the contour of the deadline, if it crosses the map."""
    if seconds.min() < deadline_s < seconds.max():
        line = ax.contour(
            np.log(seconds), levels=[np.log(deadline_s)], colors=INK, linewidths=2
        )
        ax.clabel(line, fmt=lambda _: duration(deadline_s), fontsize=9)


def _quotas(ax: Axes, concurrency: list[int], memory_mb: list[int]) -> None:
    """Draw what an account may have before it asks for more, between the figures."""
    most = limit("concurrency").most
    if concurrency[0] < most < concurrency[-1]:
        place = np.interp(most, concurrency, range(len(concurrency))) + 0.5
        ax.axvline(place, color=INK, ls=":", lw=1.5)
        text, across = f"quota: {most:,} executions", ax.get_xaxis_transform()
        ax.text(
            place, 0.5, text, transform=across, rotation=90, va="center", fontsize=8
        )
    least = limit("new_memory_mb").most
    if memory_mb[0] < least < memory_mb[-1]:
        place = np.interp(least, memory_mb, range(len(memory_mb))) + 0.5
        ax.axhline(place, color=INK, ls=":", lw=1.5)
        text = f"new accounts:\nup to {least:,} MB"
        along = ax.get_yaxis_transform()
        ax.text(1.01, place, text, transform=along, va="center", fontsize=8)
