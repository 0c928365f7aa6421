"""
The faults that a URL's query may request.

* latency_ms=N     every response waits this long, in ms
* one fault
  x status=CODE    this status, 400 to 599, and a sentence
  x cut=1          the connection closes after half of the body
  x stall=1        half of the body, then silence until the client leaves
  x reset=1        the connection is reset instead of a response
* fault_every=N    the fault affects only numbers that N divides: 100 is 1 %
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

_FAULTS = ("status", "cut", "stall", "reset")
_ALLOWED = {
    "latency_ms": range(60_001),
    "status": range(400, 600),
    "cut": range(2),
    "stall": range(2),
    "reset": range(2),
    "fault_every": range(1, 1_000_000_001),
}
_DIGITS = re.compile(r"[0-9]{1,18}")
_RULE = "It may have " + ", ".join(
    f"{name}={allowed[0]}..{allowed[-1]}" for name, allowed in _ALLOWED.items()
)


@dataclass(frozen=True, slots=True)
class Faults:
    """
    A query's request for faults.

    Attributes:
        latency_s: Pause before every response.

        fault: ``status``, ``cut``, ``stall``, ``reset``, or empty for none.

        every: The fault affects numbers that this divides.
    """

    latency_s: float
    fault: str
    status: int
    every: int


@lru_cache
def parse(query: str) -> Faults:
    """
    Read a query, as in ``latency_ms=50&status=503&fault_every=100``.

    Raises:
        ValueError: If it asks for anything else, or for two faults at once.
    """
    values = dict(_pair(part) for part in query.split("&") if part)
    faults = [name for name in _FAULTS if values.get(name)]
    if len(faults) > 1 or (not faults and "fault_every" in values):
        msg = (
            f"The query {query} asks for {len(faults)} faults; it must ask for one. "
            f"Keep one of {', '.join(_FAULTS)}."
        )
        raise ValueError(msg)
    return Faults(
        latency_s=values.get("latency_ms", 0) / 1_000,
        fault="".join(faults),
        status=values.get("status", 0),
        every=values.get("fault_every", 1),
    )


def _pair(part: str) -> tuple[str, int]:
    name, _, text = part.partition("=")
    if not _DIGITS.fullmatch(text) or int(text) not in _ALLOWED.get(name, ()):
        msg = f"The query has {part!r}. {_RULE}."
        raise ValueError(msg)
    return name, int(text)
