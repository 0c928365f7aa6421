"""Where throughput stops growing with concurrency, and why, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from experiment.tables.runs import LOAD
from experiment.tables.verdict import (
    AXES,
    million_of,
    of_one_start,
    ranking,
    settings_of,
)
from experiment.tables.words import size

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

_BUSY = 0.85  # of the cores, or of one core
_AT_WORK = 0.02  # of a core, by executions or an origin on this machine
_OTHERS = 0.25  # of the cores, used by programs that are not the run's


def growth(runs: pd.DataFrame) -> Iterator[str]:
    """Yield a sentence for each file size measured at several concurrencies."""
    for file_kb, rows in runs.groupby("file_kb"):
        if rows["concurrency"].nunique() > 1:
            yield f"Files of {size(file_kb)}: {_growth(rows)}."


def like_the_best(runs: pd.DataFrame) -> pd.DataFrame:
    """Return the runs with memory, engine and sink of the setting named best."""
    ranked = ranking(runs)
    if not ranked:
        return runs
    (values, _), *_ = ranked
    alike = runs
    for axis, value in zip(AXES[2:], values[2:], strict=True):
        alike = alike[alike[axis] == value]
    return alike


def _growth(rows: pd.DataFrame) -> str:
    alike = like_the_best(rows)
    found = {values[1]: million_of(each) for values, each in settings_of(alike)}
    millions = {number: million for number, million in found.items() if million}
    if len(millions) < 2:  # noqa: PLR2004
        return "the runs are too short to say where throughput stops growing"
    stop, best = min((values[1], million) for values, million in ranking(alike))
    most = max(millions)
    if stop == most:
        return f"throughput still grows at concurrency {most:,}, the most measured"
    beyond = [million for number, million in millions.items() if number > stop]
    falls = any(million.low > best.high for million in beyond)
    further = "no further, and then falls" if falls else "no further"
    if stop == min(millions):
        said = f"no other concurrency is measurably faster than {stop:,}"
    else:
        said = f"throughput grows up to concurrency {stop:,}, and {further}"
    return f"{said}. {_why(of_one_start(alike[alike['concurrency'] == stop]))}"


def _why(runs: pd.DataFrame) -> str:
    """Say what had run out at a concurrency."""
    cores, connections = int(runs["cores"].iloc[0]), runs["connections"].iloc[0]
    busy, own, executions, origin = runs[list(LOAD)].median()
    if not (busy > 0 and executions > _AT_WORK):
        return "Why cannot be seen here, because the executions ran elsewhere"
    at = (
        f"At concurrency {runs['concurrency'].iloc[0]:,}, {busy:.1f} of the {cores} "
        f"cores were busy, {executions:.1f} with "
        f"executions and {origin:.1f} with the origin"
    )
    if busy - own > _OTHERS * cores:
        return (
            f"{at}, but {busy - own:.1f} with other programs: measure again when they "
            "are done"
        )
    if busy > _BUSY * cores:
        return f"{at}: the cores are the limit"
    if origin > _BUSY:
        return f"{at}, which is a single process: the origin is the limit"
    if origin < _AT_WORK:
        return f"{at}: files came from elsewhere, so why cannot be seen here"
    advice = f"so try more than {connections:,} connections"
    if not connections:
        advice = "and more connections did not help"
    return f"{at}: neither cores nor origin are the bottleneck, {advice}"
