"""All programs on a wild list, one after the other."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import pandas as pd

from experiment.bench.measured import DPI, Measured, print_missing, saved_rows
from experiment.bench.wild.chart import good_files_over_time
from experiment.bench.wild.programs import wild_not_installed, wild_programs
from experiment.bench.wild.run import WildSetting, measure_wild
from experiment.bench.wild.table import wild_as_text, wild_finding

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def measure_programs(setting: WildSetting, folder: Path) -> Measured:
    """Measure, print and save: ``wild.csv``, ``wild_files.csv``, ``wild.png``."""
    print(f"origin   {setting.urls:,} realistic URLs on loopback")
    print_missing(wild_not_installed())
    files: list[pd.DataFrame] = []
    rows = saved_rows(folder / "wild.csv", _runs(setting, files))
    came = pd.concat(files, ignore_index=True)
    came.to_csv(folder / "wild_files.csv", index=False)
    print(f"\n{wild_as_text(rows)}\n")
    chart = folder / "wild.png"
    good_files_over_time(rows, came).savefig(chart, dpi=DPI)
    return Measured(chart, wild_finding(rows), any(rows["error"]))


def _runs(setting: WildSetting, files: list[pd.DataFrame]) -> Iterator[dict[str, Any]]:
    """Run each program once, and add what came of files to the list."""
    for program in wild_programs():
        row, came = measure_wild(program, setting)
        files.append(came)
        result = row["error"] or f"{row['good']:,} good files in {row['wall_s']:.1f} s"
        print(f"realistic list, {program.name}: {result}", file=sys.stderr, flush=True)
        yield row
