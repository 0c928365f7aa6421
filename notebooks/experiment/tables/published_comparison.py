"""A run compared with the original experiment and with other programs."""

from __future__ import annotations

import pandas as pd

from experiment.ledger.machine import root
from experiment.tables.goal import GOAL_FILES
from experiment.tables.projection import LEAST_BAND, of_rate
from experiment.tables.shown import Shown
from experiment.tables.verdict import Million, million_of
from experiment.tables.words import duration, size

_PUBLISHED = "results/published/*-bench-local/bench_summary.csv"
_UNKNOWN = "unknown"
_ORIGINAL = {
    "what": "the original: 1,000 Lambda executions × 100 connections, kept in /tmp",
    "file_kb": 1_700.0,
    "files": GOAL_FILES,
    "time for 1M": duration(29.0),
    "how": "as its author reported; there is no way to check it",
}


def beside_published(runs: pd.DataFrame) -> Shown:
    """Return the same comparison as `compare_with_published`, for readers."""
    comparison = compare_with_published(runs)
    return Shown(
        pd.DataFrame(
            {
                "Program": comparison["what"],
                "File size": comparison["file_kb"].map(size),
                "Files": comparison["files"].map("{:,}".format),
                "1M files take": comparison["time for 1M"],
                "Known by": comparison["how"],
            }
        )
    )


def compare_with_published(runs: pd.DataFrame) -> pd.DataFrame:
    """
    Compare a run with the original experiment and with the latest published bench.

    Args:
        runs: The run, one row.

    Returns:
        Columns what, file_kb, files (that are ok), time for 1M, how (it is known).
    """
    run, million = runs.iloc[0], million_of(runs)
    how = "measured" if million and million.is_measured else "projected from this run"
    this = {
        "what": f"this run, target {run['target']}",
        "file_kb": float(run["file_kb"]),
        "files": int(run["ok"]),
        "time for 1M": million.time if million else _UNKNOWN,
        "how": how if million else "too short to project",
    }
    return pd.DataFrame([this, _ORIGINAL, *_peers(float(run["file_kb"]))])


def _peers(file_kb: float) -> list[dict[str, object]]:
    """Return a row for each other program of the latest published bench."""
    published = sorted(root().glob(_PUBLISHED))
    if not published:
        return []
    table = pd.read_csv(published[-1])
    same = (table["scheme"] == "http") & (table["file_bytes"] == file_kb * 1_000)
    return [
        {
            "what": f"{row['program']} {row['version']}, one process on one machine",
            "file_kb": file_kb,
            "files": int(row["files"]),
            "time for 1M": _of_rate(row["files"], row["files_per_s"]),
            "how": f"projected from {published[-1].parent.name}",
        }
        for _, row in table[same & ~table["ours"]].iterrows()
    ]


def _of_rate(files: float, files_per_s: float) -> str:
    """Return the time of a million at a program's mean rate, with its band."""
    seconds = of_rate(files, files / files_per_s) if files_per_s > 0 else None
    if seconds is None:
        return _UNKNOWN
    band = LEAST_BAND * seconds
    return Million(seconds, seconds - band, seconds + band, is_measured=False).time
