"""Values of the constants, drawn from their ranges."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from aws_facts.fleet_constants import constants

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aws_facts.fleet_constants import Constant

# By name, one value per draw in a column: shape (draws, 1).
Draws: TypeAlias = dict[str, np.ndarray]


def draw(
    random: np.random.Generator, draws: int, fixed: Mapping[str, float] | None = None
) -> Draws:
    """
    Draw every constant, triangularly between its low and high, `value` most likely.

    Those that are `fixed`, by name, have one value; that changes no other.

    Raises:
        KeyError: If there is no constant of a name in `fixed`.
    """
    fixed = fixed or {}
    if unknown := fixed.keys() - constants().keys():
        raise KeyError(*sorted(unknown))
    drawn = {name: _column(random, draws, one) for name, one in constants().items()}
    return drawn | {name: np.full((draws, 1), value) for name, value in fixed.items()}


def likeliest(draws: int = 1) -> Draws:
    """Return the most likely value of every constant."""
    return {name: np.full((draws, 1), one.value) for name, one in constants().items()}


def _column(random: np.random.Generator, draws: int, one: Constant) -> np.ndarray:
    if one.low < one.high:
        return random.triangular(one.low, one.value, one.high, (draws, 1))
    random.random((draws, 1))  # the others are as if it had a range
    return np.full((draws, 1), one.value)
