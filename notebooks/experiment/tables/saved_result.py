"""The result of a run, read back from the tables in its folder."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pandas as pd
import pyarrow.parquet as pq

from experiment.ledger.invocation import LedgerError
from experiment.ledger.machine import machines_of
from experiment.ledger.run_folder import read_run
from experiment.tables.downloads_file import SAMPLE
from experiment.tables.projection import projection_of
from experiment.tables.result import Result
from experiment.tables.runs import LOAD, is_cold
from experiment.tables.words import where_measured

if TYPE_CHECKING:
    from pathlib import Path

_DRAWN = ["file_kb", "outcome", "seconds"]  # all that charts need


def saved_result(folder: Path) -> Result:
    """
    Return the tables of a finished run or grid.

    Its downloads are a sample with the columns file_kb, outcome and seconds; there are
    none if the file was left out, as in published runs. Examples are not read.

    Raises:
        LedgerError: If the folder holds no run, or one that has not ended.
    """
    record = read_run(folder)
    try:
        shards = pd.read_parquet(folder / "shards.parquet")
        runs = pd.read_parquet(folder / "runs.parquet")
        counts = record["totals"]["counts"]
    except (FileNotFoundError, KeyError) as error:
        msg = f"{folder} has no result yet: its run has not ended."
        if "resume" in record["settings"]:
            msg += f" Resume it with: python -m experiment resume {folder}"
        raise LedgerError(msg) from error
    if "million_s" not in runs:
        runs = _with_phases(runs, shards)
    where = where_measured(record["target"], machines_of(record), runs["files"])
    downloads = _sample(folder / "downloads.parquet")
    return Result(downloads, counts, {}, shards, runs, where)


def _with_phases(runs: pd.DataFrame, shards: pd.DataFrame) -> pd.DataFrame:
    """Return runs of an earlier version with the columns that tables have now."""
    by_run = {name: projection_of(rows) for name, rows in shards.groupby("run")}
    phases = pd.DataFrame([by_run[name] for name in runs["run"]], runs.index)
    return runs.join(phases.astype(float)).assign(
        cold=is_cold(runs["cold_executions"], runs["concurrency"]),
        sized_by="files",
        cores=math.nan,
        **dict.fromkeys(LOAD, math.nan),
    )


def _sample(path: Path) -> pd.DataFrame:
    """Return evenly spaced rows, as many as charts are drawn of."""
    if not path.exists():
        return pd.DataFrame(columns=_DRAWN)
    with pq.ParquetFile(path) as file:
        every = max(1, file.metadata.num_rows // SAMPLE)
        groups = [
            file.read_row_group(number, _DRAWN).to_pandas().iloc[::every]
            for number in range(file.num_row_groups)
        ]
    return pd.concat(groups, ignore_index=True)
