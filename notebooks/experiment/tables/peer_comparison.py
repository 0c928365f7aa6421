"""A run compared with the original experiment and with other programs."""

from __future__ import annotations

import pandas as pd

from experiment.ledger.provenance import machines_of
from experiment.ledger.run_folder import read_run
from experiment.parameters.goal import GOAL_FILES
from experiment.parameters.project_root import root
from experiment.tables.projection.million_time import (
    SHORT_BAND,
    SHORT_S,
    Million,
    million_of,
)
from experiment.tables.projection.projected_million import LEAST_BAND, LEAST_STEADY_S
from experiment.tables.words import duration, size

_PUBLISHED = "results/published/*-bench-local/bench_summary.csv"
_UNKNOWN = "unknown"
_ORIGINAL = (
    "the original: 1,000 Lambda executions × 100 connections, kept in /tmp",
    size(1_700),
    f"{GOAL_FILES:,}",
    duration(29.0),
    "as its author reported; there is no way to check it",
)
_COLUMNS = ["Program", "File size", "Files", "1M files take", "Known by"]


def compare_with_peers(runs: pd.DataFrame) -> pd.DataFrame:
    """
    Compare a run with the original experiment and with the latest published bench.

    Returns:
        Texts as a report has them; files are those that are ok.
    """
    run, million = runs.iloc[0], million_of(runs)
    how = "measured" if million and million.is_measured else "projected from this run"
    this = (
        f"this run, target {run['target']}",
        size(run["file_kb"]),
        f"{run['ok']:,}",
        million.time if million else _UNKNOWN,
        how if million else "too short to project",
    )
    return pd.DataFrame([this, _ORIGINAL, *_peers(run["file_kb"])], columns=_COLUMNS)


def _peers(file_kb: float) -> list[tuple[str, ...]]:
    """Return a row for each other program of the latest published bench."""
    published = sorted(root().glob(_PUBLISHED))
    if not published:
        return []
    table = pd.read_csv(published[-1])
    machine = machines_of(read_run(published[-1].parent))
    same = (table["scheme"] == "http") & (table["file_bytes"] == file_kb * 1_000)
    return [
        (
            f"{row['program']} {row['version']}, one process on {machine}",
            size(file_kb),
            f"{row['files']:,}",
            _of_rate(row["files"], row["files_per_s"]),
            f"projected from {published[-1].parent.name}",
        )
        for _, row in table[same & ~table["ours"]].iterrows()
    ]


def _of_rate(files: float, files_per_s: float) -> str:
    """Return the time of a million at a program's mean rate, with its band."""
    if not files_per_s > 0 or files / files_per_s < LEAST_STEADY_S:
        return _UNKNOWN
    seconds = GOAL_FILES / files_per_s
    alone = Million(seconds, seconds, seconds, is_measured=False)
    is_short = files / files_per_s < SHORT_S
    return alone.widened(SHORT_BAND if is_short else LEAST_BAND).time
