"""The progress of a run, interval by interval."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pyarrow.compute as pc
import pyarrow.parquet as pq

from fetcher.contract.outcome import Outcome

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

_STEPS = 120  # about as many as a chart can show
_LEAST_STEP_S = 0.1


def run_seconds(
    at: NDArray[np.float64] | pd.Series, shards: pd.DataFrame
) -> NDArray[np.float64]:
    """
    Return moments on a run's own clock, which stands still between its sessions.

    Moments are in seconds since 1970, and sessions those of the run's `shards_table`.

    Returns:
        Seconds since the first request was sent: 0 for moments before it, the length of
        the run for moments after the last response.
    """
    sessions = shards.groupby("session")
    ends = pd.DataFrame(
        {"first": sessions["invoked_at"].min(), "last": sessions["answered_at"].max()}
    )
    until = (ends["last"] - ends["first"]).cumsum()
    clock = np.r_[0, until.repeat(2)][:-1]
    seconds: NDArray[np.float64] = np.interp(
        np.asarray(at), ends.to_numpy().ravel(), clock
    )
    return seconds


def over_time(downloads: Path, shards: pd.DataFrame) -> pd.DataFrame:
    """
    Count the files done in each interval by a ``downloads.parquet``, block by block.

    Returns:
        Columns seconds (by `run_seconds`, at the end of the interval), files (done by
        then), files_per_s and mb_per_s (in the interval).
    """
    wall_s = run_seconds(shards["answered_at"], shards).max()
    step_s = max(_LEAST_STEP_S, round(wall_s / _STEPS, 1))
    steps = int(np.ceil(wall_s / step_s))
    files, sizes = np.zeros(steps), np.zeros(steps)
    columns = ["outcome", "started_at", "seconds", "body_bytes"]
    for batch in pq.ParquetFile(downloads).iter_batches(columns=columns):
        outcome = pc.cast(batch["outcome"], "string")
        whole = batch.filter(pc.equal(outcome, Outcome.OK.value))
        ended_at = pc.add(whole["started_at"], whole["seconds"]).to_numpy()
        step = (run_seconds(ended_at, shards) / step_s).astype(int).clip(max=steps - 1)
        files += np.bincount(step, minlength=steps)
        sizes += np.bincount(step, whole["body_bytes"].to_numpy(), minlength=steps)
    return pd.DataFrame(
        {
            "seconds": (np.arange(steps) + 1) * step_s,
            "files": files.cumsum(),
            "files_per_s": files / step_s,
            "mb_per_s": sizes / step_s / 1e6,
        }
    )
