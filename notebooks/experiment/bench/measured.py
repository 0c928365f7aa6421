"""What was measured: rows saved as they come, and what is said of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import pandas as pd

from experiment.ledger.machine import machine_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

DPI = 120


class Measured(NamedTuple):
    """A table that was measured, printed and saved."""

    chart: Path
    verdict: str
    failed: bool


def saved_rows(path: Path, rows: Iterable[dict[str, Any]]) -> pd.DataFrame:
    """Write each row as it comes, so that a crash loses none; return them all."""
    place = {"run": path.parent.name, "target": "local", "machine": machine_name()}
    kept: list[pd.DataFrame] = []
    for row in rows:
        table = pd.DataFrame([place | row])
        table.to_csv(path, mode="a", header=not kept, index=False)
        kept.append(table)
    return pd.concat(kept, ignore_index=True)


def print_missing(missing: Sequence[str]) -> None:
    """Print which peers are not installed, if any."""
    if missing:
        print(f"peers    not installed and left out: {', '.join(missing)}")
