"""
Fates of URLs, and how frequent they are.

The shares are those of a list measured in November 2026: 26 to 28 % of the URLs dead,
4.5 % of all silent (``dropped``, ``mute``, ``stall``, ``drip``), 3 % limited or flaky.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

LIMIT_PER_S = 5  # requests that a limited host answers


@dataclass(frozen=True, slots=True)
class Fate:
    """
    What happens to the requests for a URL.

    Attributes:
        good: Whether a patient client can get the file.

        of_host: Whether all URLs of a host share it.
    """

    share: float
    good: bool = False
    of_host: bool = False


FATES = {
    "good": Fate(0.685, good=True),
    # Limited: above 5 requests/s, 429 with Retry-After: 1.
    "limited": Fate(0.018, good=True, of_host=True),
    # Flaky: the first request for each URL gets 503.
    "flaky": Fate(0.012, good=True, of_host=True),
    # Mistyped: a picture whose content type is vague, wrong or missing.
    "mistyped": Fate(0.015, good=True),
    # Dns: a name that ends in .invalid, so that no resolver knows it (RFC 6761).
    "dns": Fate(0.06, of_host=True),
    "refused": Fate(0.025, of_host=True),
    # Dropped: the SYN is not answered.
    "dropped": Fate(0.015, of_host=True),
    # Mute: the connection opens, and nothing comes.
    "mute": Fate(0.015, of_host=True),
    "reset": Fate(0.01, of_host=True),
    # Tls: HTTPS with a certificate that nobody trusts.
    "tls": Fate(0.015, of_host=True),
    # Parked: status 200 and HTML, from half of the hosts as image/jpeg.
    "parked": Fate(0.02, of_host=True),
    "404": Fate(0.06),
    "403": Fate(0.025),
    "410": Fate(0.005),
    # Stall: half of the body, then silence. Drip: a byte each second.
    "stall": Fate(0.0075),
    "drip": Fate(0.0075),
    # Cut: the connection closes after half of the body.
    "cut": Fate(0.005),
}
# A limited host has many URLs, or its limit would not be felt.
FEWER_HOSTS = {"limited": 0.15}


def counts(urls: int, shares: Mapping[str, float]) -> dict[str, int]:
    """
    Return how many URLs have each fate: whole numbers that sum to all.

    Raises:
        ValueError: If a fate is unknown, or the shares do not sum to 1.

    >>> counts(200, {"good": 0.5, "404": 0.5})
    {'good': 100, '404': 100}
    """
    if unknown := shares.keys() - FATES.keys():
        msg = f"The fate {min(unknown)} is unknown; it must be in {', '.join(FATES)}."
        raise ValueError(msg)
    if not math.isclose(sum(shares.values()), 1):
        msg = f"The shares sum to {sum(shares.values()):g}; they must sum to 1."
        raise ValueError(msg)
    exact = {fate: urls * share for fate, share in shares.items()}
    found = {fate: int(count) for fate, count in exact.items()}
    nearest = sorted(exact, key=lambda fate: found[fate] - exact[fate])
    for fate in nearest[: urls - sum(found.values())]:
        found[fate] += 1
    return {fate: count for fate, count in found.items() if count}


def mixture() -> dict[str, float]:
    """Return the shares of a wild list."""
    return {name: fate.share for name, fate in FATES.items()}
