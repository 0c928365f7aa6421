"""When executions start: dispatch, scaling, the call, a cold start."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from experiment.fleet.question import TODAY

if TYPE_CHECKING:
    from experiment.fleet.draws import Draws
    from experiment.fleet.question import Question


def allowed_at(question: Question, constants: Draws) -> np.ndarray:
    """
    Return when each execution may start, in seconds since the first call.

    Calls are made one after the other; Lambda starts so many executions at once, and
    then so many a second.

    Returns:
        Shape (draws, executions), ascending in each draw.
    """
    era = "" if question.scaling == TODAY else "_2022"
    order = np.arange(question.executions, dtype=np.float32)
    called = order / constants["calls_per_s"].astype(np.float32)
    at_once = constants[f"starts_at_once{era}"].astype(np.float32)
    if question.executions <= at_once.min():
        return called
    late = (order - at_once) / constants[f"starts_per_s{era}"].astype(np.float32)
    return np.maximum(called, late)


def starts_in(
    question: Question,
    shape: tuple[int, ...],
    constants: Draws,
    random: np.random.Generator,
) -> np.ndarray:
    """
    Return how long each execution takes from its first call to its first shard.

    Returns:
        Of this shape: (draws, executions).
    """
    names = ["call", "cold_start"] if question.is_cold else ["call"]
    parts = [
        _spread(random, shape, constants[f"{name}_s"], constants[f"{name}_spread"])
        for name in names
    ]
    started: np.ndarray = np.sum(parts, axis=0)
    return started


def _spread(
    random: np.random.Generator,
    shape: tuple[int, ...],
    median: np.ndarray,
    sigma: np.ndarray,
) -> np.ndarray:
    """Draw lognormally."""
    drawn = random.standard_normal(shape, dtype=np.float32)
    drawn *= sigma.astype(np.float32)
    np.exp(drawn, out=drawn)
    drawn *= median.astype(np.float32)
    return drawn
