"""Settings ranked by the time that a million files take at each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from experiment.tables.projection.million_time import Million, million_of
from experiment.tables.projection.projected_million import LEAST_BAND

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any, TypeAlias

    import pandas as pd

    Values: TypeAlias = tuple[Any, ...]  # of `AXES`

# A grid's axes, in the order in which settings are shown.
AXES = ("file_kb", "concurrency", "memory_mb", "engine", "sink")
_UNITS = {"memory_mb": "{:,} MB"}
_NEARLY = 1 + LEAST_BAND  # times the best: as good as that


def settings_of(runs: pd.DataFrame) -> Iterator[tuple[Values, pd.DataFrame]]:
    """Yield each setting's values of `AXES` and its runs, in the order of the axes."""
    yield from runs.groupby(list(AXES), sort=True, observed=True)


def runs_at(
    runs: pd.DataFrame, values: Values, axes: Sequence[str] = AXES
) -> pd.DataFrame:
    """Return the runs of a setting, or those that share its values of some axes."""
    for axis, value in zip(AXES, values, strict=True):
        if axis in axes:
            runs = runs[runs[axis] == value]
    return runs


def ranking(runs: pd.DataFrame) -> list[tuple[Values, Million]]:
    """
    Return the settings of one file size that the best is not shown to beat.

    The first is the one to name: of those within 15 % of the best that of the lowest
    concurrency. Noise would choose another of them each time.
    """
    millions = [(name, million_of(rows)) for name, rows in settings_of(runs)]
    known = [(name, million) for name, million in millions if million]
    if not known:
        return []
    best = min((million for _, million in known), key=lambda million: million.seconds)
    alike = [(name, million) for name, million in known if not best.beats(million)]
    return sorted(alike, key=lambda one: one[1].seconds > _NEARLY * best.seconds)


def named(runs: pd.DataFrame, values: Values) -> str:
    """
    Return a setting in words, with the axes that vary beside the file size.

    >>> import pandas as pd
    >>> runs = pd.DataFrame({"file_kb": 10, "concurrency": [1, 2], "memory_mb": 512,
    ...     "engine": ["curl", "aiohttp"], "sink": "discard"})
    >>> named(runs, (10, 2, 512, "curl", "discard"))
    'concurrency 2 (curl)'
    """
    _, concurrency, *rest = values
    varied = [
        _UNITS.get(axis, "{}").format(value)
        for axis, value in zip(AXES[2:], rest, strict=True)
        if runs[axis].nunique() > 1
    ]
    return f"concurrency {concurrency:,}" + (f" ({', '.join(varied)})" * bool(varied))
