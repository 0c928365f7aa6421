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

_STEPS = 120  # about as many as a chart can show
_LEAST_STEP_S = 0.1


def over_time(downloads: Path, began_at: float, wall_s: float) -> pd.DataFrame:
    """
    Count the files done in each interval.

    Args:
        downloads: The ``downloads.parquet`` of a run, read block by block.

        began_at: When the first request was sent, in seconds since 1970.

        wall_s: How long the run took.

    Returns:
        Columns seconds (from the start of the run to the end of the interval), files
        (done by then), files_per_s and mb_per_s (in the interval).
    """
    step_s = max(_LEAST_STEP_S, round(wall_s / _STEPS, 1))
    steps = int(np.ceil(wall_s / step_s))
    files, sizes = np.zeros(steps), np.zeros(steps)
    columns = ["outcome", "started_at", "seconds", "body_bytes"]
    for batch in pq.ParquetFile(downloads).iter_batches(columns=columns):
        outcome = pc.cast(batch["outcome"], "string")
        whole = batch.filter(pc.equal(outcome, Outcome.OK.value))
        ended_at = pc.add(whole["started_at"], whole["seconds"]).to_numpy() - began_at
        step = np.clip(ended_at / step_s, 0, steps - 1).astype(int)
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
