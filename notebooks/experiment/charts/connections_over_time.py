"""How many connections each execution used, over time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from experiment.charts.drawing import (
    BLUE,
    SINCE_START,
    begin_at_zero,
    finished,
    new_axes,
)

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

_MOST_LINES = 200  # more of them make one surface


def has_connections(shards: pd.DataFrame) -> bool:
    """Tell whether reports say how many connections there were: 0.2.0's do not."""
    return "connections" in shards and bool(shards["connections"].map(len).any())


def connections_over_time(shards: pd.DataFrame, where: str) -> Figure:
    """Draw a run's connections, a line per invocation; of very many, evenly spaced."""
    ax = new_axes(SINCE_START, "Connections of an execution")
    told = shards[shards["connections"].map(len) > 0]
    start = shards["invoked_at"].min()
    rows = told.iloc[:: max(1, -(-len(told) // _MOST_LINES))]
    for _, row in rows.iterrows():
        began_s = row["downloading_at"] - start
        seconds = [began_s + at for at in row["connections_at_s"]]
        ax.step(
            [*seconds, max(seconds[-1], row["downloaded_at"] - start)],
            [*row["connections"], row["connections"][-1]],
            where="post",
            color=BLUE,
            alpha=max(0.15, 1 / len(rows) ** 0.5),
            lw=1.5,
        )
    begin_at_zero(ax)
    return finished(ax, _title(told), where)


def _title(shards: pd.DataFrame) -> str:
    """
    Say how many connections there were in the end.

    >>> import pandas as pd
    >>> _title(pd.DataFrame({"connections": [[20], [20]]}))
    'Each execution had 20 connections from start to end'
    >>> _title(pd.DataFrame({"connections": [[64, 128, 480], [64, 300, 90]]}))
    'Executions began with 64 connections, ended with 90 to 480 (median 285)'
    """
    if shards.empty:
        return "No execution reported how many connections it had"
    first = {row[0] for row in shards["connections"]}
    last = [row[-1] for row in shards["connections"]]
    if all(len(row) == 1 for row in shards["connections"]) and len(first) == 1:
        return f"Each execution had {last[0]:,} connections from start to end"
    low, high = min(last), max(last)
    ended = f"{low:,} to {high:,} (median {np.median(last):,.0f})"
    if low == high:
        ended = f"{low:,}"
    return f"Executions began with {max(first):,} connections, ended with {ended}"
