"""A forecast: many draws of one fleet, their seconds and dollars."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from experiment.fleet.constant_draws import draw
from experiment.fleet.dollars import dollars_for
from experiment.fleet.model.shard_queue import Shifts, finished
from experiment.fleet.model.shard_time import shard_s
from experiment.fleet.model.starts import allowed_at, starts_in
from experiment.fleet.model.tail import excess
from experiment.plan.shard_sizes import FallingSizes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from experiment.fleet.constant_draws import Draws
    from experiment.fleet.question import Question

DRAWS = 2_000
_SEED = 16
_ELEMENTS = 150_000  # of an array at a time: they stay in the processor's cache
# Once so much was freed, glibc keeps the memory of arrays that are freed. Otherwise a
# third of the time would go to mapping it anew: mallopt(3), M_MMAP_THRESHOLD.
_FREED_BYTES = 30 * 2**20


class Band(NamedTuple):
    """The median of a forecast, and the range of nine tenths of its draws."""

    low: float
    median: float
    high: float


class Forecast(NamedTuple):
    """
    The draws of a fleet.

    Attributes:
        seconds: From the first call to the last report, one per draw.

        dollars: What it costs, one per draw.

        billed_s: Billed time of all executions together, one per draw.

        typical_s: Time of the median execution at work, one per draw.
    """

    seconds: np.ndarray
    dollars: np.ndarray
    billed_s: np.ndarray
    typical_s: np.ndarray

    @property
    def time(self) -> Band:
        """Seconds: 5 %, median, 95 %."""
        return band(self.seconds)

    @property
    def cost(self) -> Band:
        """Dollars: 5 %, median, 95 %."""
        return band(self.dollars)


def band(values: np.ndarray) -> Band:
    """
    Return the median, and the range of nine tenths.

    >>> band(np.arange(101.0))
    Band(low=5.0, median=50.0, high=95.0)
    """
    return Band(*map(float, np.quantile(values, (0.05, 0.5, 0.95))))


def forecast(
    question: Question, draws: int = DRAWS, fixed: Mapping[str, float] | None = None
) -> Forecast:
    """
    Draw constants and chance many times, always the same, and time the fleet in each.

    Constants that are `fixed`, by name, have one value in all draws.
    """
    random = np.random.default_rng(_SEED)
    return simulate(question, draw(random, draws, fixed), random)


def simulate(
    question: Question, constants: Draws, random: np.random.Generator
) -> Forecast:
    """Time the fleet for every draw of the constants, some at a time."""
    np.empty(_FREED_BYTES, np.uint8)
    draws = len(constants["call_s"])
    step = max(1, _ELEMENTS // question.executions)
    parts = []
    for begin in range(0, draws, step):
        rows = slice(begin, begin + step)
        some = {name: column[rows] for name, column in constants.items()}
        parts.append(_simulate(question, some, random))
    seconds, billed_s, typical_s = map(np.concatenate, zip(*parts, strict=True))
    return Forecast(seconds, dollars_for(question, billed_s), billed_s, typical_s)


def _simulate(
    question: Question, constants: Draws, random: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return seconds, billed seconds and an execution's usual seconds, per draw."""
    executions, sizes = question.executions, question.sizes
    allowed = allowed_at(question, constants)
    starts = starts_in(question, allowed.shape, constants, random)
    fixed_s, file_s = _usual_s(question, constants)
    longer = excess(allowed.shape, constants, random)
    adds = constants["tail_adds"]
    uneven = _unevenness(question, allowed.shape, random)
    lost = longer * (adds * constants["tail_median_s"]).astype(np.float32)
    init = (constants["cold_start_s"] * question.is_cold).astype(np.float32)
    shifts = Shifts(
        allowed,
        starts + lost,
        uneven * (1 + longer * (1 - adds).astype(np.float32)),
        constants["call_s"].astype(np.float32),
        init,
        fixed_s.astype(np.float32),
        file_s.astype(np.float32),
    )
    done_s, billed_s, used = finished(shifts, sizes, hedge=question.hedge)
    lost += init  # which is billed, too
    billed_s = billed_s + (used * lost).sum(axis=1, dtype=float)
    called_s = question.invocations / constants["calls_per_s"][:, 0]
    done_s = np.maximum(done_s, called_s)
    held_s = _no_faster_than_origin(question, constants, done_s)
    billed_s *= held_s / done_s
    typical_s = (sizes.shards * fixed_s + question.files * file_s) / executions
    return held_s, billed_s, typical_s[:, 0]


def _usual_s(question: Question, constants: Draws) -> tuple[np.ndarray, np.ndarray]:
    """Return the usual seconds of a shard: once, and for each of its files."""
    sizes, share = question.sizes, question.files / question.executions

    def usual_s(files: float) -> np.ndarray:
        return shard_s(question, constants, files, share / files)

    if not isinstance(sizes, FallingSizes):
        mean = question.files / sizes.shards
        return np.zeros_like(constants["call_s"]), usual_s(mean) / mean
    most_s, least_s = usual_s(sizes.most), usual_s(sizes.least)
    file_s = (most_s - least_s) / (sizes.most - sizes.least)
    return least_s - sizes.least * file_s, file_s


def _unevenness(
    question: Question, shape: tuple[int, int], random: np.random.Generator
) -> np.ndarray:
    """Draw how far the bytes of executions differ, for files of different sizes."""
    deviation = float(np.std(question.sizes_bytes)) / question.mean_bytes
    if not deviation:
        return np.ones((1, 1), dtype=np.float32)
    spread = deviation / np.sqrt(question.files / question.executions)
    drawn = 1 + np.float32(spread) * random.standard_normal(shape, dtype=np.float32)
    uneven: np.ndarray = np.maximum(drawn, np.float32(0.05))
    return uneven


def _no_faster_than_origin(
    question: Question, constants: Draws, done_s: np.ndarray
) -> np.ndarray:
    """Return the time, if all executions together outrun origin, S3 or sink."""
    rate = question.most_files_per_s
    if not np.isfinite(rate):
        return done_s
    begins_s = constants["call_s"] + constants["connect_s"]
    if question.is_cold:
        begins_s = begins_s + constants["cold_start_s"]
    later: np.ndarray = np.maximum(done_s, begins_s[:, 0] + question.files / rate)
    return later
