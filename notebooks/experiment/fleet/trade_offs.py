"""Time against dollars: a map of fleets, the best of them, and how many it takes."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import replace
from itertools import product
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from experiment.fleet.bottlenecks import binding, shares
from experiment.fleet.constant_draws import likeliest
from experiment.fleet.forecast import DRAWS, forecast, simulate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from experiment.fleet.question import Question

CONCURRENCY = (50, 100, 200, 350, 500, 700, 1_000, 1_500, 2_000, 3_000, 5_000)
MEMORY_MB = (256, 512, 1_024, 1_769, 3_008, 5_120, 7_168, 10_240)
_MAP_DRAWS, _BINDS_DRAWS = 16, 6
_SEED = 16
_MOST_FLEETS = 100_000
_FLEET_DRAWS = 40


def map_of(
    question: Question,
    concurrency: Sequence[int] = CONCURRENCY,
    memory_mb: Sequence[int] = MEMORY_MB,
    draws: int = DRAWS,
) -> pd.DataFrame:
    """
    Ask the same of fleets of many sizes, all constants at their most likely value.

    Of the draws of a forecast, a few serve for each fleet.

    Returns:
        A row per fleet: its concurrency and memory, median seconds and dollars, the
        limit that binds, and the share of the time that it costs.
    """
    few, fewer = min(_MAP_DRAWS, draws), min(_BINDS_DRAWS, max(1, draws // 20))
    rows = []
    for wide, large in product(concurrency, memory_mb):
        one = replace(question, concurrency=wide, memory_mb=large)
        made = simulate(one, likeliest(few), np.random.default_rng(_SEED))
        medians = np.median(made.seconds), np.median(made.dollars)
        rows.append((wide, large, *medians, *binding(shares(one, fewer))))
    names = ["concurrency", "memory_mb", "seconds", "dollars", "binds", "share"]
    return pd.DataFrame(rows, columns=names)


def frontier_of(fleets: pd.DataFrame) -> pd.DataFrame:
    """
    Return the fleets that no other beats in both time and dollars, fastest first.

    >>> frontier_of(pd.DataFrame({"seconds": [9, 5, 7], "dollars": [1, 4, 5]}))
       seconds  dollars
    0        5        4
    1        9        1
    """
    ordered = fleets.sort_values(["seconds", "dollars"])
    before = ordered["dollars"].astype(float).cummin().shift(fill_value=np.inf)
    return ordered[ordered["dollars"] < before].reset_index(drop=True)


def cheapest_within(fleets: pd.DataFrame, deadline_s: float) -> pd.Series | None:
    """Return the cheapest fleet inside the deadline; None: no fleet is."""
    inside = fleets[fleets["seconds"] <= deadline_s]
    return None if inside.empty else inside.loc[inside["dollars"].idxmin()]


def best_of(question: Question, fleets: pd.DataFrame, deadline_s: float) -> Question:
    """
    Return the question that asks about the best of the fleets of `map_of`.

    It is the cheapest inside the deadline or, if none is, the fastest.
    """
    best = cheapest_within(fleets, deadline_s)
    if best is None:
        best = fleets.loc[fleets["seconds"].idxmin()]
    wide, large = int(best["concurrency"]), int(best["memory_mb"])
    return replace(question, concurrency=wide, memory_mb=large)


def fleets_for(
    question: Question, files: Sequence[int], deadlines_s: Sequence[float]
) -> pd.DataFrame:
    """
    Say how many such fleets, each with an account or region of its own, it takes.

    Every fleet gets an equal share of the files, and starts by itself.

    Returns:
        A row per number of files and deadline: how many fleets, their executions, and
        the dollars of all of them; -1 fleets: no number of them starts in time.
    """
    rows = []
    for count, deadline_s in product(files, deadlines_s):
        fleets = _fewest(question, count, deadline_s)
        share = replace(question, files=max(1, count // max(1, fleets)))
        dollars = fleets * forecast(share, _FLEET_DRAWS).cost.median
        rows.append((count, deadline_s, fleets, fleets * question.concurrency, dollars))
    names = ["files", "deadline_s", "fleets", "executions", "dollars"]
    return pd.DataFrame(rows, columns=names)


def _fewest(question: Question, files: int, deadline_s: float) -> int:
    """Return the fewest fleets whose 95 % of draws meet the deadline; -1: none do."""

    def is_in_time(fleets: int) -> bool:
        share = replace(question, files=-(-files // fleets))
        return forecast(share, _FLEET_DRAWS).time.high <= deadline_s

    counts = range(1, _MOST_FLEETS + 1)
    place = bisect_left(counts, x=True, key=is_in_time)
    return counts[place] if place < len(counts) else -1
