"""Lambda's limits and prices, read from limits.toml."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datetime import date

MBIT_BYTES = 125_000

_LINE_GROWS_FROM_MB = 2_048


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """
    A limit of AWS.

    Attributes:
        least, most: The smallest and the largest value allowed.

        source: Where AWS states it.

        seen: The day it was read there.
    """

    least: int
    most: int
    source: str
    seen: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """
    A price of AWS.

    Attributes:
        dollars: For one unit of the item that names the price.

        source: Where AWS states it.

        seen: The day it was read there.
    """

    dollars: float
    source: str
    seen: date


def limit(name: str) -> Limit:
    """
    Return a limit by its name in limits.toml.

    >>> limit("timeout_s").most
    900
    """
    return Limit(**_read()["limits"][name])


def price(name: str) -> Price:
    """
    Return a price by its name in limits.toml.

    >>> round(price("request").dollars * 1_000_000, 2)
    0.2
    """
    return Price(**_read()["prices"][name])


def limits() -> dict[str, Limit]:
    """Return all limits by name."""
    return {name: limit(name) for name in _read()["limits"]}


def prices() -> dict[str, Price]:
    """Return all prices by name."""
    return {name: price(name) for name in _read()["prices"]}


def problem(name: str, value: float, unit: str) -> str:
    """
    Describe how a setting breaks a limit; return nothing if it does not.

    Args:
        name: Name of the setting and of the limit.

        value: Value of the setting.

        unit: Its unit.

    >>> problem("timeout_s", 60, "s")
    ''
    >>> problem("timeout_s", 1_000, "s")
    '`timeout_s` is 1,000 s; Lambda takes 1 to 900 s.'
    """
    allowed = limit(name)
    if allowed.least <= value <= allowed.most:
        return ""
    return (
        f"`{name}` is {value:,} {unit}; Lambda takes {allowed.least:,} to "
        f"{allowed.most:,} {unit}."
    )


def line_bytes_per_s(memory_mb: int) -> float:
    """
    Return an execution's network bandwidth.

    AWS names the first and the last value; growth in between is assumed to be linear.

    >>> line_bytes_per_s(512) * 8 / 1e6, line_bytes_per_s(10_240) * 8 / 1e6
    (625.0, 3000.0)
    """
    line, memory = limit("network_mbit_s"), limit("memory_mb")
    above = max(0, memory_mb - _LINE_GROWS_FROM_MB)
    share = above / (memory.most - _LINE_GROWS_FROM_MB)
    return (line.least + share * (line.most - line.least)) * MBIT_BYTES


@cache
def _read() -> dict[str, dict[str, dict[str, Any]]]:
    return tomllib.loads(files("aws_facts").joinpath("limits.toml").read_text("utf-8"))
