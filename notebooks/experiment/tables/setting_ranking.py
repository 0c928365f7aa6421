"""Settings ranked by the time that a million files take at each."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from experiment.tables.projection import LEAST_BAND
from experiment.tables.words import duration

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any, TypeAlias

    import pandas as pd

    Values: TypeAlias = tuple[Any, ...]  # of `AXES`

# A grid's axes, in the order in which settings are shown.
AXES = ("file_kb", "concurrency", "memory_mb", "engine", "sink")
_UNITS = {"memory_mb": "{:,} MB"}
SEVERAL = 3
_DEVIATIONS = 2.0  # median absolute ones: an outlier widens no band
_NEARLY = 1 + LEAST_BAND  # times the best: as good as that


class Million(NamedTuple):
    """
    The time of a million files at one setting.

    Attributes:
        seconds: The median of its runs.

        low, high: Its band: ±15 %, or more if runs of it differ more.

        is_measured: Whether its runs were of a million files, so nothing is projected.
    """

    seconds: float
    low: float
    high: float
    is_measured: bool

    def overlaps(self, other: Million) -> bool:
        """Return whether no difference to another setting is shown."""
        return self.low <= other.high and other.low <= self.high

    def widened(self, band: float) -> Million:
        """Return it with a band of at least this share of its time."""
        low, high = self.seconds * (1 - band), self.seconds * (1 + band)
        return self._replace(low=min(self.low, low), high=max(self.high, high))

    @property
    def time(self) -> str:
        """The time in words, with its band if it has one."""
        if self.low == self.high:
            return duration(self.seconds)
        return (
            f"{duration(self.seconds)} ({duration(self.low)} to {duration(self.high)})"
        )

    def __str__(self) -> str:
        return f"{'' if self.is_measured else 'would '}take {self.time}"


def million_of(runs: pd.DataFrame) -> Million | None:
    """
    Return the time of a million files at one setting; None: its runs are too short.

    Args:
        runs: All runs of the setting. Warm ones count; if there are none, cold ones.
    """
    counted = of_one_start(runs)
    known = counted.dropna(subset="million_s")
    if 2 * len(known) <= len(counted):
        return None
    middle = float(known["million_s"].median())
    is_measured = not known["million_band"].any()
    band = float(known["million_band"].median())
    if len(known) >= SEVERAL:  # their spread says more than how a single one drifted
        spread = float((known["million_s"] - middle).abs().median()) / middle
        band = max(0.0 if is_measured else LEAST_BAND, _DEVIATIONS * spread)
    return Million(middle, middle * (1 - band), middle * (1 + band), is_measured)


def of_one_start(runs: pd.DataFrame) -> pd.DataFrame:
    """Return the warm runs, or all if none is warm."""
    warm = runs[~runs["cold"]]
    return runs if warm.empty else warm


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
    Return the settings of one file size that none is shown to beat.

    The first is the one to name: of those within 15 % of the best that of the lowest
    concurrency. Noise would choose another of them each time.
    """
    millions = [(name, million_of(rows)) for name, rows in settings_of(runs)]
    known = [(name, million) for name, million in millions if million]
    if not known:
        return []
    best = min((million for _, million in known), key=lambda million: million.seconds)
    alike = [(name, million) for name, million in known if million.overlaps(best)]
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
