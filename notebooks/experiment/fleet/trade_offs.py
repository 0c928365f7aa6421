"""Tables that answer: a map of fleets, what moves the time, and how many fleets."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from aws_facts.fleet_constants import constants
from experiment.fleet.draws import likeliest
from experiment.fleet.forecast import DRAWS, forecast, simulate
from experiment.fleet.limits import binding

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from experiment.fleet.question import Question

CONCURRENCY = (50, 100, 200, 350, 500, 700, 1_000, 1_500, 2_000, 3_000, 5_000)
MEMORY_MB = (256, 512, 1_024, 1_769, 3_008, 5_120, 7_168, 10_240)
YOURS = "yours"
_MAP_DRAWS, _BINDS_DRAWS, _TORNADO_DRAWS = 16, 6, 100
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

    Args:
        question: What to download; its fleet is replaced.

        concurrency: Executions at once.

        memory_mb: Memory sizes.

        draws: Of a forecast; here a few of them serve for each fleet.

    Returns:
        A row per fleet: its concurrency and memory, median seconds and dollars, the
        limit that binds, and the share of the time that it costs.
    """
    return pd.DataFrame(_fleets(question, concurrency, memory_mb, draws))


def _fleets(
    question: Question, concurrency: Sequence[int], memory_mb: Sequence[int], draws: int
) -> Iterator[dict[str, object]]:
    few, fewer = min(_MAP_DRAWS, draws), min(_BINDS_DRAWS, max(1, draws // 20))
    for wide in concurrency:
        for large in memory_mb:
            one = replace(question, concurrency=wide, memory_mb=large)
            random = np.random.default_rng(_SEED)
            made = simulate(one, likeliest(few), random)
            binds, share = binding(one, fewer)
            yield {
                "concurrency": wide,
                "memory_mb": large,
                "seconds": float(np.median(made.seconds)),
                "dollars": float(np.median(made.dollars)),
                "binds": binds,
                "share": share,
            }


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
    Return the question that asks about the best of the fleets.

    Args:
        question: What to download; its fleet is replaced.

        fleets: As `map_of` makes them.

        deadline_s: Best is the cheapest inside it or, if none is, the fastest.
    """
    best = cheapest_within(fleets, deadline_s)
    if best is None:
        best = fleets.loc[fleets["seconds"].idxmin()]
    wide, large = int(best["concurrency"]), int(best["memory_mb"])
    return replace(question, concurrency=wide, memory_mb=large)


def moves(question: Question, draws: int = DRAWS) -> pd.DataFrame:
    """
    Move every input across its range, one at a time, and watch the median.

    A constant moves from its low to its high, and one of yours to half and to twice.

    Returns:
        A row per input: its name, ``kind``, median seconds at either end and at the
        values as they are; the one that moves most comes first.
    """
    draws = min(_TORNADO_DRAWS, draws)
    now_s = forecast(question, draws).time.median
    rows = []
    for name, one in constants().items():
        if one.low < one.high:
            ends = [
                forecast(question, draws, fixed={name: end}).time.median
                for end in (one.low, one.high)
            ]
            rows.append((name, one.kind, *ends))
    for name in ("concurrency", "connections", "memory_mb", "shards_per_execution"):
        value: Any = getattr(question, name) or question.most_connections
        ends = [
            forecast(moved, draws).time.median
            for moved in (
                replace(question, **{name: max(1, value // 2)}),
                replace(question, **{name: value * 2}),
            )
        ]
        rows.append((name, YOURS, *ends))
    table = pd.DataFrame(rows, columns=["name", "kind", "low_s", "high_s"])
    table["now_s"] = now_s
    width = (table["high_s"] - table["low_s"]).abs()
    return table.iloc[width.argsort()[::-1]].reset_index(drop=True)


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
    for count in files:
        for deadline_s in deadlines_s:
            fleets = _fewest(question, count, deadline_s)
            share = max(1, count // max(1, fleets))
            one = _quick(replace(question, files=share))
            rows.append(
                {
                    "files": count,
                    "deadline_s": deadline_s,
                    "fleets": fleets,
                    "executions": fleets * question.concurrency,
                    "dollars": fleets * one[1],
                }
            )
    return pd.DataFrame(rows)


def _fewest(question: Question, files: int, deadline_s: float) -> int:
    """Return the fewest fleets whose 95 % of draws meet the deadline, by halving."""
    low, high = 0, _MOST_FLEETS
    if _quick(replace(question, files=-(-files // high)))[0] > deadline_s:
        return -1
    while high - low > max(1, low // 50):
        middle = (low + high) // 2
        seconds = _quick(replace(question, files=-(-files // middle)))[0]
        low, high = (low, middle) if seconds <= deadline_s else (middle, high)
    return high


def _quick(question: Question) -> tuple[float, float]:
    """Return the seconds that 95 % of draws keep to, and the median dollars."""
    made = forecast(question, _FLEET_DRAWS)
    return made.time.high, made.cost.median
