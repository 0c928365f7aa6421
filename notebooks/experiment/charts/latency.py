"""How long downloads took, by size of file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from experiment.charts.drawing import (
    finished,
    key_above,
    new_axes,
    one_style_each,
    tick_round,
)
from experiment.tables.words import size
from fetcher.contract.outcome import Outcome

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

_MARKERS = 5  # on a line of thousands of points


def latency_by_size(downloads: pd.DataFrame, where: str) -> Figure:
    """Draw the share of downloads done within a time, one line per file size."""
    ax = new_axes("Milliseconds from first try to last byte (log)", "Ok files, %")
    whole = downloads[downloads["outcome"] == Outcome.OK.value]
    for file_kb, (colour, marker), rows in one_style_each(whole, "file_kb"):
        seconds = np.sort(rows["seconds"].to_numpy())
        share = np.arange(1, len(seconds) + 1) / len(seconds)
        every = -(-len(seconds) // _MARKERS)
        every_so_often = (every // 2, every)
        look: Any = {"color": colour, "marker": marker, "markevery": every_so_often}
        label = f"{size(file_kb)} files"
        ax.step(seconds * 1e3, share * 100, where="post", lw=2, label=label, **look)
    ax.set_xscale("log")
    tick_round(ax.xaxis)
    key_above(ax)
    ax.set_ylim(0, 101)
    return finished(ax, _latency_title(whole), where)


def _latency_title(whole: pd.DataFrame) -> str:
    if whole.empty:
        return "No file arrived whole: there is no latency to show"
    sizes = whole.groupby("file_kb", observed=True)["seconds"]
    middle, late = (
        # Times that downloads took, as in the tables: none between two of them.
        sizes.agg(np.quantile, share, method="inverted_cdf") * 1e3
        for share in (0.5, 0.99)
    )
    slowest = late.idxmax()
    return (
        f"{size(slowest)} files that are ok: half within {middle[slowest]:,.0f} ms, "
        f"99 % within {late[slowest]:,.0f} ms"
    )
