"""When executions start: dispatch, scaling, the call, a cold start."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from experiment.fleet.question import TODAY

if TYPE_CHECKING:
    from experiment.fleet.constant_draws import Draws
    from experiment.fleet.question import Question


def allowed_at(question: Question, constants: Draws) -> np.ndarray:
    """
    Return when each execution may start, in seconds since the first call.

    Calls are made one after the other; Lambda starts so many executions at once, and
    then so many a second. Those that are warm need no start.

    Returns:
        Shape (draws, executions), ascending in each draw.
    """
    era = "" if question.scaling == TODAY else "_2022"
    order = np.arange(question.executions, dtype=np.float32)
    called = order / constants["calls_per_s"].astype(np.float32)
    at_once = constants[f"starts_at_once{era}"].astype(np.float32)
    if not question.is_cold or question.executions <= at_once.min():
        return called
    late = (order - at_once) / constants[f"starts_per_s{era}"].astype(np.float32)
    return np.maximum(called, late)


def starts_in(
    question: Question,
    shape: tuple[int, int],
    constants: Draws,
    random: np.random.Generator,
) -> np.ndarray:
    """Return how long each execution takes from its first call to its first shard."""
    started = _spread("call", shape, constants, random)
    if question.is_cold:
        started += _spread("cold_start", shape, constants, random)
    return started


def _spread(
    name: str, shape: tuple[int, int], constants: Draws, random: np.random.Generator
) -> np.ndarray:
    """Draw lognormally, of this shape: (draws, executions)."""
    drawn = random.standard_normal(shape, dtype=np.float32)
    drawn *= constants[f"{name}_spread"].astype(np.float32)
    np.exp(drawn, out=drawn)
    drawn *= constants[f"{name}_s"].astype(np.float32)
    return drawn
