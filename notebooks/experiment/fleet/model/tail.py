"""Executions that take long: how much longer than the others."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from experiment.fleet.constant_draws import Draws

_TWENTIETH, _HUNDREDTH = 0.05, 0.01
_LONGEST_OF_1_000 = np.log(2) / 1_000  # its median rank


def excess(
    shape: tuple[int, int], constants: Draws, random: np.random.Generator
) -> np.ndarray:
    """
    Draw how much longer each execution takes, as a share of the recorded run's time.

    Powers of the rank join the recorded quantiles, and the last goes on beyond them;
    19 of 20 executions take no longer. The shape is (draws, executions).
    """
    rank = random.random(shape, dtype=np.float32)
    late = np.flatnonzero(rank < _TWENTIETH)
    ranks = np.maximum(rank.ravel()[late].astype(float), 1e-9)
    names = ("tail_5", "tail_1", "tail_1000")
    tail = [float(constants[name].flat[0]) for name in names]
    steep = np.log(tail[1] / tail[0]) / np.log(_TWENTIETH / _HUNDREDTH)
    steeper = np.log(tail[2] / tail[1]) / np.log(_HUNDREDTH / _LONGEST_OF_1_000)
    drawn = tail[1] * np.where(
        ranks > _HUNDREDTH,
        (_HUNDREDTH / ranks) ** steep,
        (_HUNDREDTH / ranks) ** steeper,
    )
    drawn *= constants["tail_scale"][late // shape[1], 0]
    longer = np.zeros(shape, dtype=np.float32)
    longer.ravel()[late] = drawn
    return longer
