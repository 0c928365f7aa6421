"""
Constants from the tables of runs: what a few cents show that nobody has published.

Each function returns a value with its range, or why the runs cannot tell.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import numpy as np

from experiment.fleet.constant_draws import likeliest
from experiment.fleet.forecast import band
from experiment.fleet.model.shard_time import cpu_here_s
from experiment.fleet.model.tail import excess

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd

    from experiment.fleet.question import Question

_BINS_S = 0.1
_OVER_BASE = 1.3  # in times of the base: what still is a burst
_LATE_SHARE = 0.5  # of a run: by then the credit is used up
_STEADY = 0.15  # of the base: how far its halves may differ
_BUSY = 0.9  # of the processor's share: it binds, and the line does not show
_OWN_WIDTH = 0.05  # of a value that one run showed
_FEWEST_EXECUTIONS = 20
_SLOWEST = 0.05  # of all executions
_TWICE = 2.0
_DRAWN = 20_000


class Figure(NamedTuple):
    """
    A measured constant.

    Attributes:
        value: The most likely value.

        low, high: Its range.

        by_memory: Pairs of MB and what was measured there, if that is several.

        architecture: Of the functions that showed it.
    """

    value: float
    low: float
    high: float
    by_memory: tuple[tuple[int, float], ...] = ()
    architecture: str = ""


Unknown: TypeAlias = str  # why


def slowdown(question: Question, shards: pd.DataFrame) -> Figure | Unknown:
    """
    Return the CPU time of a file, in times of the table of the model.

    The range is that of a run's invocations.
    """
    done = shards[shards["ok"] > 0]
    if done.empty:
        return "no file came"
    each = (done["cpu_s"] / done["ok"] / cpu_here_s(question)).to_numpy()
    value = float(done["cpu_s"].sum() / done["ok"].sum() / cpu_here_s(question))
    of_each = Figure(value, float(each.min()), float(each.max()))
    return joined([of_each, _about(value)])


def bandwidth(
    downloads: pd.DataFrame, shards: pd.DataFrame, vcpu_share: float
) -> dict[str, Figure | Unknown]:
    """
    Return base, burst and credit of a line, from one execution that began cold.

    Args:
        downloads: Its files; each is taken to have come evenly.

        shards: Its one invocation.

        vcpu_share: Of a processor that the execution has, at most 1.
    """
    names = ("base_bytes_per_s", "burst_bytes_per_s", "credit_bytes")
    at, rate = rates(downloads)
    base, why = _base_of(at, rate)
    # What the processor could take in; near that it is the limit, not the line.
    most = _BUSY * vcpu_share * downloads["body_bytes"].sum() / shards["cpu_s"].sum()
    if not why and base > most:
        why = "the processor was busy all the time"
    if why:
        return dict.fromkeys(names, why)
    is_over = rate > _OVER_BASE * base
    ends = int(np.argmin(is_over)) if is_over[0] else 0
    if not ends:
        why = "it began with no burst"
        return dict.fromkeys(names, why) | {"base_bytes_per_s": _about(base)}
    burst = float(np.median(rate[:ends]))
    credit = float(np.sum(rate[:ends] - base) * (at[1] - at[0]))
    found: list[Figure | Unknown] = [_about(one) for one in (base, burst, credit)]
    if burst > most:
        why = f"the processor took in no more than the {burst:.3g} bytes a second"
        found[1] = f"{why} that came"
    return dict(zip(names, found, strict=True))


def _base_of(at: np.ndarray, rate: np.ndarray) -> tuple[float, Unknown]:
    """Return the rate of the second half of a run, or why there is none."""
    late = rate[at > _LATE_SHARE * at[-1]]
    base = float(np.median(late))
    halves = [float(np.mean(half)) for half in np.array_split(late, 2)]
    if abs(halves[1] - halves[0]) > _STEADY * base:
        return base, "the rate was not steady in the second half of the run"
    return base, ""


def _about(value: float) -> Figure:
    return Figure(value, value * (1 - _OWN_WIDTH), value * (1 + _OWN_WIDTH))


def rates(downloads: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Return the middles of equal spans of time, and the bytes a second in each."""
    begin = downloads["started_at"].to_numpy(float)
    end = begin + downloads["seconds"].to_numpy(float)
    spans = max(8, int((end.max() - begin.min()) / _BINS_S))
    edges = np.linspace(begin.min(), end.max(), spans + 1)
    share = (edges[:, None] - begin) / np.maximum(end - begin, 1e-9)
    came = (share.clip(0, 1) * downloads["body_bytes"].to_numpy(float)).sum(axis=1)
    return (edges[1:] + edges[:-1]) / 2 - begin.min(), np.diff(came) / np.diff(edges)


def joined(found: Sequence[Figure]) -> Figure:
    """Return one figure for several runs: the median, and the range of all."""
    return Figure(
        float(np.median([one.value for one in found])),
        min(one.low for one in found),
        max(one.high for one in found),
    )


def by_memory(found: Mapping[int, Figure]) -> Figure:
    """
    Return one figure that keeps what each memory showed.

    Its value is the median, and its range as wide as the widest of theirs, in
    proportion: differences between memory sizes, in MB, are not chance.
    """
    value = float(np.median([one.value for one in found.values()]))
    return Figure(
        value,
        value * min(one.low / one.value for one in found.values()),
        value * max(one.high / one.value for one in found.values()),
        tuple((memory_mb, one.value) for memory_mb, one in sorted(found.items())),
    )


def first_byte(downloads: pd.DataFrame) -> Figure | Unknown:
    """Return the wait for a small file, asked for alone: 5 %, median, 95 %."""
    later = downloads.sort_values("started_at")["seconds"].iloc[1:]  # one connects
    if len(later) < _FEWEST_EXECUTIONS:
        return f"only {len(later)} files came after the first"
    low, value, high = band(later)
    return Figure(value, low, high)


def cold_start(shards: pd.DataFrame) -> Figure | Unknown:
    """
    Return what cold starts add to a call: 5 %, median, 95 %.

    Of a few, the range is at least a factor of two either way.
    """
    begun = shards["started_at"] - shards["invoked_at"]
    cold, warm = begun[shards["cold"] == 1], begun[shards["cold"] != 1]
    if cold.empty or warm.empty:
        return "not both cold and warm calls were seen"
    added = (cold - warm.median()).clip(lower=1e-3)
    if len(added) < _FEWEST_EXECUTIONS:
        typical = float(added.median())
        low, high = float(added.min()), float(added.max())
        return Figure(typical, min(low, typical / _TWICE), max(high, typical * _TWICE))
    low, value, high = band(added)
    return Figure(value, low, high)


def tail_scale(shards: pd.DataFrame) -> Figure | Unknown:
    """
    Return how heavy the tail of executions is, in times of the recorded one.

    By the mean excess of the slowest twentieth. A hundred executions show five such,
    so the range is a factor of two either way.
    """
    took = (shards["downloaded_at"] - shards["downloading_at"]).dropna().to_numpy()
    if len(took) < _FEWEST_EXECUTIONS:
        return f"only {len(took)} executions ran; {_FEWEST_EXECUTIONS} are needed"
    few = max(1, round(_SLOWEST * len(took)))
    constants = likeliest()
    recorded = excess((1, _DRAWN), constants, np.random.default_rng(1))[0]
    expected = float(np.sort(recorded)[-round(_SLOWEST * _DRAWN) :].mean())
    value = float(np.mean(np.sort(took)[-few:]) / np.median(took) - 1) / expected
    return Figure(value, value / _TWICE, value * _TWICE)
