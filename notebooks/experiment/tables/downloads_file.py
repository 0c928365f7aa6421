"""The file of all downloads, written block by block, however long it gets."""

from __future__ import annotations

from collections import Counter
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from fetcher.contract.outcome import ORDER, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable
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


def write_downloads(
    path: Path, tables: Iterable[pa.Table]
) -> tuple[dict[str, int], dict[str, tuple[str, str]]]:
    """
    Write the rows of some tables, each when it comes.

    Returns:
        The number of rows of every outcome; and of each that there was but `ok`, the
        first URL and its detail.
    """
    counts = Counter({outcome.value: 0 for outcome in ORDER})
    examples = {}
    with ExitStack() as opened:
        writer = None
        for table in tables:
            if writer is None:  # the first has the schema
                writer = pq.ParquetWriter(path, table.schema, **_ENCODINGS)
                opened.enter_context(writer)
            writer.write_table(table)
            outcomes = table["outcome"].cast(pa.string())
            for entry in pc.value_counts(outcomes).to_pylist():
                name = entry["values"]
                counts[name] += entry["counts"]
                if name != Outcome.OK.value and name not in examples:
                    first = pc.index(outcomes, name).as_py()
                    (row,) = table.slice(first, 1).to_pylist()
                    examples[name] = row["url"], row["detail"]
    return dict(counts), examples
