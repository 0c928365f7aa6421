"""A shard's downloads as a NumPy array."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from fetcher.contract.download_results import FIELDS
from fetcher.contract.outcome import CODE, Outcome

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fetcher.contract.download_results import Downloads

OK, UNSTARTED = CODE[Outcome.OK], CODE[Outcome.UNSTARTED]
ROW = np.dtype([(name, f"<{kind}") for name, kind in FIELDS.items()])


def rows_of(downloads: Downloads) -> NDArray[Any]:
    """Return the downloads of a shard as a structured array, without copying."""
    return np.frombuffer(downloads.rows, ROW)
