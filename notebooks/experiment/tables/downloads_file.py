"""The file of all downloads, written block by block, however long it gets."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Self

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from fetcher.contract.outcome import ORDER, Outcome

if TYPE_CHECKING:
    from pathlib import Path

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
    A context that writes the table, and counts its rows.

    Attributes:
        counts: Rows by outcome; every outcome has a count.

        examples: The first URL and its detail, by outcome, without `ok`.
    """

    def __init__(self, path: Path) -> None:
        self.counts = Counter({outcome.value: 0 for outcome in ORDER})
        self.examples: dict[str, tuple[str, str]] = {}
        self._path = path
        self._writer: pq.ParquetWriter | None = None

    def __enter__(self) -> Self:
        """Wait for the first block, which has the schema."""
        return self

    def __exit__(self, *_: object) -> None:
        """Complete the file."""
        if self._writer:
            self._writer.close()

    def add(self, table: pa.Table) -> None:
        """Write some more rows, and count them."""
        if self._writer is None:
            self._writer = pq.ParquetWriter(self._path, table.schema, **_ENCODINGS)
        self._writer.write_table(table)
        outcomes = table["outcome"].cast(pa.string())
        for entry in pc.value_counts(outcomes).to_pylist():
            name = entry["values"]
            self.counts[name] += entry["counts"]
            if name != Outcome.OK.value and name not in self.examples:
                row = table.slice(pc.index(outcomes, name).as_py(), 1).to_pylist()[0]
                self.examples[name] = row["url"], row["detail"]
