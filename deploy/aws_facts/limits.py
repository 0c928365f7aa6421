"""Lambda's limits, read from limits.toml."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aws_facts.toml_files import read

if TYPE_CHECKING:
    from datetime import date

MBIT_BYTES = 125_000

LINE_GROWS_FROM_MB = 2_048


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


def limit(name: str) -> Limit:
    """
    Return a limit by its name in limits.toml.

    >>> limit("timeout_s").most
    900
    """
    return Limit(**read("limits.toml")["limits"][name])


def limits() -> dict[str, Limit]:
    """Return all limits by name."""
    return {name: limit(name) for name in read("limits.toml")["limits"]}


def problem(name: str, value: float, unit: str) -> str:
    """
    Describe how a setting breaks a limit; return nothing if it does not.

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


def line_bytes_per_s(memory_mb: int, most_mbit_s: float = math.inf) -> float:
    """
    Return the network bandwidth that an execution keeps up.

    Above 2,048 MB it grows with memory, but only up to the account's quota, and only
    outside a VPC. AWS names the first and the last value; growth in between is assumed
    to be linear. A new execution is faster for its first 280 MB or so: see fleet.toml.

    Args:
        memory_mb: Of the function.

        most_mbit_s: The account's quota "Network bandwidth per execution environment",
            which is 625 until AWS raised it; by default all that AWS gives.

    >>> [line_bytes_per_s(mb) * 8 / 1e6 for mb in (512, 10_240)]
    [625.0, 3000.0]
    >>> line_bytes_per_s(10_240, most_mbit_s=625) * 8 / 1e6
    625.0
    """
    line, memory = limit("network_mbit_s"), limit("memory_mb")
    above = max(0, memory_mb - LINE_GROWS_FROM_MB)
    share = above / (memory.most - LINE_GROWS_FROM_MB)
    grown = line.least + share * (line.most - line.least)
    return min(grown, most_mbit_s) * MBIT_BYTES
