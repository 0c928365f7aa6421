"""How far each input moves the time over its range, for the tornado chart."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pandas as pd

from aws_facts.fleet_constants import constants
from experiment.fleet.forecast import DRAWS, forecast

if TYPE_CHECKING:
    from experiment.fleet.question import Question

YOURS = "yours"
_MOST_DRAWS = 100


def moves(question: Question, draws: int = DRAWS) -> pd.DataFrame:
    """
    Move every input across its range, one at a time, and watch the median.

    A constant moves from its low to its high, and one of yours to half and to twice.

    Returns:
        A row per input: its name, ``kind``, median seconds at either end and at the
        values as they are; the one that moves most comes first.
    """
    draws = min(_MOST_DRAWS, draws)

    def median_s(asked: Question, **fixed: float) -> float:
        return forecast(asked, draws, fixed=fixed).time.median

    rows = []
    for name, one in constants().items():
        if one.low < one.high:
            ends = [median_s(question, **{name: end}) for end in (one.low, one.high)]
            rows.append((name, one.kind, *ends))
    for name in ("concurrency", "connections", "memory_mb", "shards_per_execution"):
        value: Any = getattr(question, name) or question.most_connections
        moved = (max(1, value // 2), value * 2)
        ends = [median_s(replace(question, **{name: end})) for end in moved]
        rows.append((name, YOURS, *ends))
    table = pd.DataFrame(rows, columns=["name", "kind", "low_s", "high_s"])
    table["now_s"] = median_s(question)
    seconds = table[["low_s", "high_s", "now_s"]]
    width = seconds.max(axis=1) - seconds.min(axis=1)
    return table.iloc[width.argsort()[::-1]].reset_index(drop=True)
