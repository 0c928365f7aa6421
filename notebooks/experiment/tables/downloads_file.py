"""The table of downloads: written a piece at a time, however long it gets."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from fetcher.contract.outcome import ORDER, Outcome

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

SAMPLE = 20_000  # rows that are held: enough for any chart
_TABLES = 64
# How a column is best kept: what repeats in a dictionary, the others by what
# neighbours have in common.
_KEPT: dict[str, Any] = {
    "compression": "zstd",
    "compression_level": 1,
    "use_dictionary": [
        *("run", "target", "file_kb", "outcome", "status", "body_bytes"),
        *("attempts", "wave", "shard", "detail"),
    ],
    "column_encoding": {
        "number": "DELTA_BINARY_PACKED",
        "url": "DELTA_BYTE_ARRAY",
        "started_at": "BYTE_STREAM_SPLIT",
        "seconds": "BYTE_STREAM_SPLIT",
    },
}


class DownloadsFile:
    """
    A context that writes the table, and keeps in mind what is in it.

    Args:
        path: Where it goes.

        rows: How many there will be.

    Attributes:
        counts: Rows by outcome; every outcome is there.

        examples: Of each outcome but `ok` that was met, URL and detail of the first.
    """

    def __init__(self, path: Path, rows: int) -> None:
        self.counts = Counter({outcome.value: 0 for outcome in ORDER})
        self.examples: dict[str, tuple[str, str]] = {}
        self._path = path
        self._every = max(1, -(-rows // SAMPLE))
        self._rows = 0
        self._sample: list[pa.Table] = []
        self._writer: pq.ParquetWriter | None = None

    def __enter__(self) -> Self:
        """Wait for the first piece, which tells what columns there are."""
        return self

    def __exit__(self, *_: object) -> None:
        """End the file."""
        if self._writer:
            self._writer.close()

    def add(self, table: pa.Table) -> None:
        """Write some more rows."""
        if self._writer is None:
            self._writer = pq.ParquetWriter(self._path, table.schema, **_KEPT)
        self._writer.write_table(table)
        self._count(table)
        first = -self._rows % self._every
        self._sample.append(table.take(np.arange(first, len(table), self._every)))
        if len(self._sample) == _TABLES:  # each takes room, however few its rows
            self._sample = [self._sampled().combine_chunks()]
        self._rows += len(table)

    def _count(self, table: pa.Table) -> None:
        outcomes = table["outcome"].cast(pa.string())
        for found in pc.value_counts(outcomes).to_pylist():
            name = found["values"]
            self.counts[name] += found["counts"]
            if name != Outcome.OK.value and name not in self.examples:
                row = table.slice(pc.index(outcomes, name).as_py(), 1).to_pylist()[0]
                self.examples[name] = row["url"], row["detail"]

    def sample(self) -> pd.DataFrame:
        """Return all rows; of more than `SAMPLE` evenly spaced ones."""
        return self._sampled().to_pandas()

    def _sampled(self) -> pa.Table:
        return pa.concat_tables(self._sample).unify_dictionaries()
