"""The time that a million files take at one setting, with its band."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from experiment.tables.projection.projected_million import LEAST_BAND
from experiment.tables.words import duration

if TYPE_CHECKING:
    import pandas as pd

SEVERAL = 3
_DEVIATIONS = 2.0  # median absolute ones: an outlier hides no difference
# A rate over 2 s was up to 19 % off that of a whole million; over 5 s, 5 %.
SHORT_S, SHORT_BAND = 4.0, 0.25


class Million(NamedTuple):
    """
    The time of a million files at one setting.

    Attributes:
        seconds: The median of its runs.

        low, high:
            Its band, in which all its runs are. Of a projection ±15 % at least, and
            ±25 % if they were steady for less than 4 s.

        is_measured: Whether its runs were of a million files, so nothing is projected.

        noise:
            The share of its time within which it may differ by chance from another
            setting of its grid. That runs are short is left out: all of them are.
    """

    seconds: float
    low: float
    high: float
    is_measured: bool
    noise: float = 0.0

    def overlaps(self, other: Million) -> bool:
        """Return whether no difference to another run is shown."""
        return self.low <= other.high and other.low <= self.high

    def beats(self, other: Million) -> bool:
        """Return whether it is shown to be faster than another setting of its grid."""
        return self.seconds * (1 + self.noise) < other.seconds * (1 - other.noise)

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
        if not self.is_measured:
            return f"would take {self.time}"
        return f"{'took' if self.low == self.high else 'take'} {self.time}"


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
    seconds = known["million_s"]
    middle = float(seconds.median())
    spread = float((seconds - middle).abs().median()) / middle
    is_measured = not known["million_band"].any()
    band = noise = float(known["million_band"].median())
    if len(known) >= SEVERAL:  # their spread says more than how each of them drifted
        noise = 0.0 if is_measured else LEAST_BAND
    noise = max(noise, _DEVIATIONS * spread)
    if not is_measured and known["steady_s"].median() < SHORT_S:
        band = max(SHORT_BAND, band)
    low = min(middle * (1 - band), float(seconds.min()))
    high = max(middle * (1 + band), float(seconds.max()))
    return Million(middle, low, high, is_measured, noise)


def of_one_start(runs: pd.DataFrame) -> pd.DataFrame:
    """Return the warm runs, or all if none is warm."""
    warm = runs[~runs["cold"]]
    return runs if warm.empty else warm
