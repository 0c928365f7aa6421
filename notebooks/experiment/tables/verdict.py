"""The verdict on runs: what they show about the goal, and nothing beyond that."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from experiment.tables.goal import GOAL_S
from experiment.tables.projection import LEAST_BAND
from experiment.tables.words import duration, listed, size

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
_ADVICE = {
    "files": "; set duration_s instead of files",
    "duration_s": "; set a longer duration_s",
    "url_template": "; set more files",  # a pilot cannot know how many there are
    "url_list": "",  # it has no more
}


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


def verdict(runs: pd.DataFrame) -> str:
    """
    Say in one sentence for each file size whether its setting named meets the goal.

    Settings are ranked by the median of their warm runs, so one lucky run cannot win.
    See `ranking` for the one that is named.
    """
    sentences = [_of_size(runs, kb, rows) for kb, rows in runs.groupby("file_kb")]
    here = "On this machine, " if (runs["target"] == "local").all() else ""
    said = here + "; ".join(sentences)
    return said[0].upper() + said[1:]


def _of_size(runs: pd.DataFrame, file_kb: float, rows: pd.DataFrame) -> str:
    if not (rows["ok"] > 0).any():
        return f"no file arrived: nothing can be said about the {GOAL_S} s goal"
    ranked = ranking(rows)
    if not ranked:
        return _too_short(file_kb, rows)
    (name, million), *alike = ranked
    sentence = (
        f"at {named(runs, name)}, 1M files of {size(file_kb)} {million}: "
        f"{_about_the_goal(million)}"
    )
    if alike:
        others = listed([named(runs, other) for other, _ in alike])
        sentence += f"; not distinguishable from {others}"
    return sentence


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


def _about_the_goal(million: Million) -> str:
    if million.high <= GOAL_S:
        return f"inside the {GOAL_S} s goal"
    if million.low > GOAL_S:
        return f"outside the {GOAL_S} s goal"
    return f"too close to the {GOAL_S} s goal to call"


def _too_short(file_kb: float, runs: pd.DataFrame) -> str:
    """Say why nothing is projected from runs, by the one that lasted longest."""
    run = of_one_start(runs).sort_values("steady_s").iloc[-1]
    wall_s = run[["startup_s", "steady_s", "tail_s"]].sum()
    lost, name = max(
        (run["startup_s"], "starting up"), (run["tail_s"], "waiting for the last ones")
    )
    why = f"{lost / wall_s * 100:.0f} % of it was {name}"
    if lost < run["steady_s"]:
        why = f"only {duration(run['steady_s'])} of it was steady downloading"
    return (
        f"{run['ok']:,} files of {size(file_kb)} in {duration(wall_s)} are too short "
        f"to project: {why}{_ADVICE[run['sized_by']]}"
    )
