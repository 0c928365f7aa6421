"""The charts of a bench: programs side by side, and good files against time."""

from __future__ import annotations

from datetime import UTC, datetime
from textwrap import fill
from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
from matplotlib.colors import to_hex, to_rgb
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.patches import Patch

from experiment.bench.comparison import finding, summarise, wild_finding
from experiment.charts.drawing import INK, finished, new_axes
from experiment.tables.words import size

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_OURS, _PEERS = "#0072B2", "#8A8A8A"
_METRICS = (
    ("cpu_us_per_file", "CPU µs per file\n(lower is better)"),
    ("files_per_s", "Files per second\n(higher is better)"),
)
_PALER = 0.5
_GROUP = 0.8  # share of the distance between programs that their bars fill
_ROOM = 1.32  # for figures beyond the longest bar
_NAMES_IN, _COLUMN_IN, _AROUND_IN, _BAR_IN = 1.6, 3.0, 1.9, 0.15
_BETWEEN_IN = 0.1
_TITLE_LETTERS = 110
_STYLES = ("-", "--", ":", "-.")
_TICKS_S = (0, 1, 3, 10, 30, 100)


def compare(runs: pd.DataFrame) -> Figure:
    """
    Draw ``bench.csv``: CPU per file and files/s by program, a column per file size.

    There is a bar per scheme, the median of the repeats; the line on it spans least to
    most. Failed runs are counted beside it; if all failed, there is no bar.
    """
    programs = runs.groupby("program", sort=False)["ours"].first()
    sizes, schemes = runs["file_bytes"].unique(), runs["scheme"].unique()
    figure, axes = plt.subplots(
        len(_METRICS),
        len(sizes),
        figsize=_size_in(len(sizes), len(programs), len(schemes)),
        sharey=True,
        squeeze=False,
        layout=ConstrainedLayoutEngine(h_pad=_BETWEEN_IN),
    )
    for (metric, label), row in zip(_METRICS, axes, strict=True):
        row[0].set_ylabel(label, color=INK)
        for file_bytes, ax in zip(sizes, row, strict=True):
            here = runs[runs["file_bytes"] == file_bytes]
            _panel(ax, here, metric, programs, schemes)
    for file_bytes, ax in zip(sizes, axes[0], strict=True):
        files = runs[runs["file_bytes"] == file_bytes]["files"].iloc[0]
        ax.set_title(f"{files:,} files of {size(file_bytes / 1e3)}", fontsize=10)
    if len(schemes) > 1:
        _add_legend(figure, schemes)
    title = fill(finding(summarise(runs)), _TITLE_LETTERS)
    figure.suptitle(title, x=0.01, ha="left", fontweight="bold", fontsize=11)
    figure.supxlabel(_where(runs), x=0.99, ha="right", fontsize=8, color=INK)
    plt.close(figure)
    return figure


def _size_in(sizes: int, programs: int, schemes: int) -> tuple[float, float]:
    rows = len(_METRICS) * programs * (schemes + 1)
    return _NAMES_IN + _COLUMN_IN * sizes, _AROUND_IN + _BAR_IN * rows


def _panel(
    ax: Axes, runs: pd.DataFrame, metric: str, programs: pd.Series, schemes: np.ndarray
) -> None:
    by = ["program", "scheme"]
    well = runs[runs["error"] == ""]
    failed = runs.assign(failed=runs["error"] != "").groupby(by)["failed"].sum()
    found = well.groupby(by)[metric].agg(["median", "min", "max"]).join(failed)
    most = found["max"].max() if len(well) else 1
    height = _GROUP / len(schemes)
    for index, (program, ours) in enumerate(programs.items()):
        for place, scheme in enumerate(schemes):
            y = index + (place - (len(schemes) - 1) / 2) * height
            colour = _shade(_OURS if ours else _PEERS, place)
            if (program, scheme) in found.index:
                _bar(ax, y, height, found.loc[program, scheme], colour)
            else:
                ax.annotate("failed", (most * 0.02, y), va="center", fontsize=8)
    ax.set_yticks(range(len(programs)), programs.index)
    ax.set_ylim(len(programs) - 0.5, -0.5)
    ax.set_xlim(0, most * _ROOM)
    ax.xaxis.set_visible(False)  # every bar is labelled
    ax.tick_params(axis="y", length=0)
    ax.spines[["top", "right", "bottom"]].set_visible(False)


def _bar(ax: Axes, y: float, height: float, found: pd.Series, colour: str) -> None:
    ax.barh(y, found["median"], height * 0.9, color=colour)
    ax.hlines(y, found["min"], found["max"], color=INK, lw=1)
    failed = f" ({found['failed']:.0f} failed)" if found["failed"] else ""
    ax.annotate(
        f"{found['median']:,.0f}{failed}",
        (found["max"], y),
        (4, 0),
        textcoords="offset points",
        va="center",
        fontsize=8,
        color=INK,
    )


def _shade(colour: str, place: int) -> str:
    """Return the colour, paler for each scheme after the first."""
    red, green, blue = (1 - (1 - part) * _PALER**place for part in to_rgb(colour))
    return to_hex((red, green, blue))


def _add_legend(figure: Figure, schemes: np.ndarray) -> None:
    shown = [
        Patch(color=_shade(_PEERS, place), label=scheme.upper())
        for place, scheme in enumerate(schemes)
    ]
    figure.legend(
        handles=shown, loc="outside lower left", ncols=len(shown), frameon=False
    )


def good_files_over_time(rows: pd.DataFrame, files: pd.DataFrame) -> Figure:
    """Draw good files second by second, of ``wild.csv`` and ``wild_files.csv``."""
    ax = new_axes("Seconds since the program was started", "Good files")
    for ours, colour in ((False, _PEERS), (True, _OURS)):
        programs = rows[rows["ours"] == ours]["program"]
        for place, program in enumerate(programs):
            seconds = files[files["program"] == program]["seconds"]
            ax.step(
                [0, *seconds],
                range(len(seconds) + 1),
                where="post",
                color=colour,
                ls=_STYLES[place % len(_STYLES)],
                lw=2,
                label=f"{program}, {len(seconds):,}",
            )
    first = rows.iloc[0]
    ax.axhline(first["good_urls"], color=INK, lw=1, zorder=0.5)
    ax.set_xscale("symlog", linthresh=1)
    ticks = [tick for tick in _TICKS_S if tick <= first["limit_s"]]
    ax.set_xticks(ticks, map(str, ticks))
    ax.set_xlim(0, first["limit_s"])
    ax.set_ylim(0, first["good_urls"] * 1.05)
    ax.legend(loc="upper left", framealpha=1, edgecolor="none")
    where = (
        f"{_machine(first)}. Origin: {first['urls']:,} URLs of {first['hosts']:,} "
        f"hosts on loopback; line: the {first['good_urls']:,} good ones. Every file "
        "compared byte by byte"
    )
    return finished(ax, wild_finding(rows), where)


def _where(runs: pd.DataFrame) -> str:
    first = runs.iloc[0]
    stored = "RAM" if (runs["stored_in"] == "RAM").all() else "disk"
    repeats = runs["repeat"].max()
    return (
        f"{_machine(first)}\n"
        f"Origin: {first['origin']}, on loopback; "
        f"files written to {stored} and checked\n"
        f"{first['connections']} connections, whole processes, median of {repeats} "
        "(line: least to most)"
    )


def _machine(row: pd.Series) -> str:
    day = datetime.fromtimestamp(row["started_at"], UTC).date()
    return (
        f"target: {row['target']}, this machine ({row['machine']}), not AWS. "
        f"{day:%Y-%m-%d}"
    )
