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

    Those that are `fixed`, by name, have one value.

    Raises:
        KeyError: If there is no constant of a name in `fixed`.
    """
    fixed = fixed or {}
    if unknown := fixed.keys() - constants().keys():
        raise KeyError(*sorted(unknown))
    return {
        name: np.full((draws, 1), fixed[name])
        if name in fixed
        else _column(random, draws, one)
        for name, one in constants().items()
    }


def likeliest(draws: int = 1) -> Draws:
    """Return the most likely value of every constant."""
    return {name: np.full((draws, 1), one.value) for name, one in constants().items()}


def _column(random: np.random.Generator, draws: int, one: Constant) -> np.ndarray:
    share = random.random((draws, 1))  # drawn always: fixing one changes no other
    if one.low == one.high:
        return np.full((draws, 1), one.value)
    width = one.high - one.low
    peak = (one.value - one.low) / width
    below = np.sqrt(share * peak)
    above = 1 - np.sqrt((1 - share) * (1 - peak))
    drawn: np.ndarray = one.low + width * np.where(share < peak, below, above)
    return drawn
