"""The file of all downloads, written block by block, however long it gets."""

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

SAMPLE = 20_000  # rows kept in memory: enough for any chart
_TABLES = 64
# The smallest encodings: repeating values in a dictionary, others as differences.
_ENCODINGS: dict[str, Any] = {
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
    A context that writes the table, and counts and samples its rows.

    Attributes:
        counts: Rows by outcome; every outcome has a count.

        examples: The first URL and its detail, by outcome, without `ok`.
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
        """Wait for the first block, which has the schema."""
        return self

    def __exit__(self, *_: object) -> None:
        """Complete the file."""
        if self._writer:
            self._writer.close()

    def add(self, table: pa.Table) -> None:
        """Write some more rows."""
        if self._writer is None:
            self._writer = pq.ParquetWriter(self._path, table.schema, **_ENCODINGS)
        self._writer.write_table(table)
        self._count(table)
        first = -self._rows % self._every
        self._sample.append(table.take(np.arange(first, len(table), self._every)))
        if len(self._sample) == _TABLES:  # each has overhead, however few its rows
            self._sample = [self._sampled().combine_chunks()]
        self._rows += len(table)

    def _count(self, table: pa.Table) -> None:
        outcomes = table["outcome"].cast(pa.string())
        for entry in pc.value_counts(outcomes).to_pylist():
            name = entry["values"]
            self.counts[name] += entry["counts"]
            if name != Outcome.OK.value and name not in self.examples:
                row = table.slice(pc.index(outcomes, name).as_py(), 1).to_pylist()[0]
                self.examples[name] = row["url"], row["detail"]

    def sample(self) -> pd.DataFrame:
        """Return all rows, or about `SAMPLE` evenly spaced ones."""
        return self._sampled().to_pandas()

    def _sampled(self) -> pa.Table:
        return pa.concat_tables(self._sample).unify_dictionaries()
