"""AWS's prices, read from limits.toml and, for other regions, regions.toml."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from aws_facts.toml_files import read

if TYPE_CHECKING:
    from datetime import date

HOME = "us-east-1"  # the region of the prices in limits.toml
_NOWHERE: dict[str, Any] = {"same": (), "dollars": {}}


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """
    A price of AWS.

    Attributes:
        dollars: For one unit of the item that names the price.

        source: Where AWS states it.

        seen: The day it was read there; of a copy, the day the copy was made, if known.

        assumed: Whether it is us-east-1's, taken because the region's is not known.
    """

    dollars: float
    source: str
    seen: date
    assumed: bool = False


def price(name: str, region: str = HOME) -> Price:
    """
    Return a price by its name in limits.toml.

    >>> round(price("request").dollars * 1_000_000, 2)
    0.2
    >>> price("s3_gb_month", "sa-east-1").dollars, price("s3_read", "x").assumed
    (0.0405, True)
    """
    home = Price(**read("limits.toml")["prices"][name])
    if region == HOME:
        return home
    other = read("regions.toml").get(name, _NOWHERE)
    if region in other["same"]:
        return replace(home, source=other["source"], seen=other["seen"])
    if region in other["dollars"]:
        return Price(
            dollars=other["dollars"][region], source=other["source"], seen=other["seen"]
        )
    return replace(home, assumed=True)


def mark(*, assumed: bool) -> str:
    """Return what is written behind a price: that it is assumed, or nothing."""
    return f" (assumed: {HOME}'s price)" if assumed else ""


def prices() -> dict[str, Price]:
    """Return all prices by name."""
    return {name: price(name) for name in read("limits.toml")["prices"]}
