"""
The constants of a model of the fleet, read from fleet.toml.

What `make aws-check` has measured in an account is in `CALIBRATION`, and comes first.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aws_facts import toml_files

if TYPE_CHECKING:
    from datetime import date

DOCUMENTED, RECORDED, OURS, GUESS = KINDS = ("documented", "recorded", "ours", "guess")
CALIBRATION = Path(__file__).with_name("calibration.toml")  # most checkouts have none


@dataclass(frozen=True, slots=True, kw_only=True)
class Constant:
    """
    One constant, how it is known, and how well.

    Attributes:
        name: Its name in fleet.toml, which ends in its unit.

        kind: One of `KINDS`.

        value: The most likely value.

        low, high: The range it may lie in; for a value that is taken as exact, twice
            that value.

        source: Where it was read, or why it had to be guessed.

        seen: The day it was read or measured.

        sizes_bytes:
            For a table: the file sizes. `low` and `high` are factors of all values.

        region, architecture: Where it was measured, if in an account.

        memories_mb, of_memories:
            Memory sizes at which it was measured, and what each showed, in times of
            `value`; empty: it is the same at all.

    Raises:
        ValueError: If it is of no known kind, has no source, or is not in its range; or
            a guess has no range.
    """

    name: str
    kind: str
    value: float
    low: float
    high: float
    source: str
    seen: date
    sizes_bytes: tuple[float, ...] = ()
    values: tuple[float, ...] = ()
    region: str = ""
    architecture: str = ""
    memories_mb: tuple[float, ...] = ()
    of_memories: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what a reader could not trace."""
        kinds = ", ".join(KINDS)
        is_in_range = self.low <= self.value <= self.high
        is_banded = self.kind != GUESS or self.low < self.high
        for holds, problem in (
            (self.kind in KINDS, f"is {self.kind!r}; it must be one of {kinds}"),
            (self.source.strip(), "has no source; say where its value was read"),
            (is_in_range, f"is {self.value:g}, not in {self.low:g}..{self.high:g}"),
            (is_banded, "is a guess without a range; set `low` and `high`"),
            (
                len(self.sizes_bytes) == len(self.values),
                f"has {len(self.values)} values for other sizes",
            ),
            (
                len(self.memories_mb) == len(self.of_memories),
                f"has {len(self.of_memories)} values for other memories",
            ),
        ):
            if not holds:
                msg = f"{self.name} {problem}."
                raise ValueError(msg)


def constant(name: str) -> Constant:
    """
    Return a constant by its name in fleet.toml.

    >>> constant("starts_per_s").kind, constant("starts_per_s").value
    ('documented', 100.0)
    >>> constant("cpu_s_curl_https").sizes_bytes
    (10000.0, 100000.0, 1700000.0)
    """
    return constants()[name]


@cache
def constants() -> dict[str, Constant]:
    """
    Return all constants by name, as measured if they were.

    Raises:
        ValueError: If an entry of `CALIBRATION` is no constant, does not say where it
            was measured, or is of a day to come.
    """
    entries = toml_files.read("fleet.toml")
    found = measured_entries()
    if unknown := sorted(found.keys() - entries.keys()):
        msg = f"{CALIBRATION} has {unknown[0]}, which is no constant; remove it."
        raise ValueError(msg)
    for name, entry in found.items():
        _check_measured(name, entry)
    return {name: read(name, entry) for name, entry in (entries | found).items()}


def _check_measured(name: str, entry: dict[str, Any]) -> None:
    if not (entry.get("region") and entry.get("architecture")):
        msg = (
            f"{name} in {CALIBRATION} has no region or no architecture: nobody can "
            "tell where it holds. Remove it, then measure anew: make aws-check"
        )
        raise ValueError(msg)
    tomorrow = datetime.now(UTC).date() + timedelta(days=1)  # it is in time zones
    if "seen" in entry and entry["seen"] > tomorrow:
        msg = (
            f"{name} in {CALIBRATION} is of {entry['seen']}, a day to come. "
            "Correct the day, or remove it."
        )
        raise ValueError(msg)


def measured_entries() -> dict[str, dict[str, Any]]:
    """Return what `CALIBRATION` holds; nothing if there is none."""
    if not CALIBRATION.is_file():
        return {}
    return tomllib.loads(CALIBRATION.read_text("utf-8"))


def read(name: str, entry: dict[str, Any]) -> Constant:
    """
    Return the constant that an entry of fleet.toml describes.

    Raises:
        ValueError: If the entry is not complete: see `Constant`.
    """
    if missing := {"kind", "value", "source", "seen"} - entry.keys():
        msg = f"{name} has no {', '.join(sorted(missing))}; every constant needs one."
        raise ValueError(msg)
    is_table = "sizes_bytes" in entry
    value = 1.0 if is_table else float(entry["value"])
    return Constant(
        name=name,
        kind=entry["kind"],
        value=value,
        low=float(entry.get("low", value)),
        high=float(entry.get("high", value)),
        source=entry["source"],
        seen=entry["seen"],
        sizes_bytes=tuple(map(float, entry.get("sizes_bytes", ()))),
        values=tuple(map(float, entry["value"])) if is_table else (),
        region=entry.get("region", ""),
        architecture=entry.get("architecture", ""),
        memories_mb=tuple(map(float, entry.get("memories_mb", ()))),
        of_memories=tuple(map(float, entry.get("of_memories", ()))),
    )
