"""The calibration file: what was measured, where and when, as `fleet.toml` has it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from aws_facts import fleet_constants
from aws_facts.fleet_constants import OURS, read
from experiment.ledger.run_folder import replaced

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from experiment.fleet.calibration.estimators import Figure

_HEAD = """\
# Tables by `make aws-check`; preferred to fleet.toml. Remove an entry, or this file,
# to go back to what others have published.
"""


def write(found: Mapping[str, Figure], *, region: str, source: str) -> Path:
    """
    Add figures to `aws_facts.fleet_constants.CALIBRATION`, replacing earlier ones.

    Args:
        found: By name of the constant.

        region: Where they were measured.

        source: With what, in words.

    Returns:
        The path of the file.

    Raises:
        ValueError: If a figure is not one that the model takes; nothing is written.
    """
    entries = fleet_constants.measured_entries()
    for name, figure in found.items():
        entries[name] = {
            "kind": OURS,
            "value": _short(figure.value),
            "low": _short(figure.low),
            "high": _short(figure.high),
            "source": source,
            "seen": datetime.now(UTC).date(),
            "region": region,
            "architecture": figure.architecture,
        }
        if figure.by_memory:
            entries[name] |= {
                "memories_mb": [memory_mb for memory_mb, _ in figure.by_memory],
                "of_memories": [
                    _short(value / figure.value) for _, value in figure.by_memory
                ],
            }
        read(name, entries[name])
    path = fleet_constants.CALIBRATION
    with replaced(path) as temporary:
        temporary.write_text(_HEAD + "".join(map(_table, entries, entries.values())))
    fleet_constants.constants.cache_clear()
    return path


def _short(value: float) -> float:
    return float(f"{value:.4g}")


def _table(name: str, entry: Mapping[str, Any]) -> str:
    lines = [f"{key} = {_toml(value)}" for key, value in entry.items()]
    return "\n".join(("", f"[{name}]", *lines, ""))


def _toml(value: object) -> str:
    return json.dumps(value) if isinstance(value, str | float | list) else str(value)
