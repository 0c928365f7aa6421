"""The time that a million files take at one setting, with its band."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from experiment.tables.projection.projected_million import LEAST_BAND
from experiment.tables.words import duration

if TYPE_CHECKING:
    import pandas as pd

SEVERAL = 3
_DEVIATIONS = 2.0  # median absolute ones: an outlier widens no band


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
