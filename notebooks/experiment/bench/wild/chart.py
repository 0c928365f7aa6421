"""The chart of a wild bench: good files against time, a line per program."""

from __future__ import annotations

from datetime import UTC, datetime
from textwrap import fill
from typing import TYPE_CHECKING

import matplotlib.pyplot as plt

from experiment.bench.wild.table import wild_finding

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

_INK, _OURS, _PEERS = "#333333", "#0072B2", "#8A8A8A"
_STYLES = ("-", "--", ":", "-.")
_TICKS_S = (0, 1, 3, 10, 30, 100)
_TITLE_LETTERS = 100


def good_files_over_time(rows: pd.DataFrame, files: pd.DataFrame) -> Figure:
    """Draw good files second by second, of ``wild.csv`` and ``wild_files.csv``."""
    figure, ax = plt.subplots(figsize=(9, 5), layout="constrained")
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
    ax.axhline(first["good_urls"], color=_INK, lw=1, zorder=0.5)
    ax.set_xscale("symlog", linthresh=1)
    ticks = [tick for tick in _TICKS_S if tick <= first["limit_s"]]
    ax.set_xticks(ticks, map(str, ticks))
    ax.set_xlim(0, first["limit_s"])
    ax.set_ylim(0, first["good_urls"] * 1.05)
    ax.set_xlabel("Seconds since the program was started")
    ax.set_ylabel("Good files")
    ax.legend(loc="upper left", framealpha=1, edgecolor="none")
    ax.spines[["top", "right"]].set_visible(False)
    title = fill(wild_finding(rows), _TITLE_LETTERS)
    ax.set_title(title, loc="left", fontweight="bold", fontsize=10)
    figure.supxlabel(_where(first), x=0.99, ha="right", fontsize=8, color=_INK)
    plt.close(figure)
    return figure


def _where(row: pd.Series) -> str:
    day = datetime.fromtimestamp(row["started_at"], UTC).date()
    return (
        f"target: {row['target']}, this machine ({row['machine']}), not AWS. "
        f"{day:%Y-%m-%d}\n"
        f"Origin: {row['urls']:,} URLs of {row['hosts']:,} hosts on loopback; line: "
        f"the {row['good_urls']:,} good ones. Every file compared byte by byte"
    )
