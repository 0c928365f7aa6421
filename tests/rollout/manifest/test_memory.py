"""Manifests as large as LAION's: read in flat memory."""

import random

import pyarrow as pa
import pytest
from pyarrow import parquet
from tests.support.engine_jobs import run_alone


def laion(path, rows):
    """Write a table like LAION's: a million rows or so in row groups as large."""
    schema = pa.schema(
        [
            ("SAMPLE_ID", pa.int64()),
            ("URL", pa.string()),
            ("TEXT", pa.string()),
            ("HEIGHT", pa.int32()),
            ("similarity", pa.float64()),
        ]
    )
    draw = random.Random(7)
    with parquet.ParquetWriter(path, schema) as writer:
        for first in range(0, rows, 250_000):
            numbers = range(first, min(rows, first + 250_000))
            urls = [
                f"https://img{n % 997}.example.com/p/{n}/cat.jpg?w={n}" for n in numbers
            ]
            texts = [f"A photograph of a cat, number {n}" for n in numbers]
            columns = [list(numbers), urls, texts, [n % 999 for n in numbers]]
            columns.append([draw.random() for _ in numbers])
            writer.write_table(pa.table(columns, schema=schema), row_group_size=2**20)


MEMORY = """
import json, sys
import pyarrow.parquet
from pathlib import Path
from time import process_time
from fetcher.process.memory import peak_rss_bytes as peak
from rollout.manifest.list_conversion import convert
from fetcher.lists.url_list import Columns

to, *paths = sys.argv[1:]
for path in paths:
    before, began = peak(), process_time()
    found = convert(path, Path(to), Columns(url="URL"))
    print(json.dumps([found.count, peak() - before, process_time() - began]))
"""


def test_memory_does_not_grow_with_the_manifest(tmp_path):
    sizes = (2_000, 40_000)
    paths = [tmp_path / f"{rows}.parquet" for rows in sizes]
    for path, rows in zip(paths, sizes, strict=True):
        laion(path, rows)
    done = run_alone(MEMORY, tmp_path / "l.jsonl", *paths)

    assert [many for many, _, _ in done] == [*sizes]
    assert done[1][1] < 28_000_000


@pytest.mark.soak
def test_soak_a_million_rows_are_checked_in_flat_memory(tmp_path):
    laion(tmp_path / "m.parquet", 1_000_000)
    path = tmp_path / "l.jsonl"
    ((many, grown, cpu_s),) = run_alone(
        MEMORY, path, tmp_path / "m.parquet", within_s=300
    )
    print(f"\n1M rows: {cpu_s:.1f} s of CPU, {grown / 1e6:.0f} MB more at the peak")

    assert many == 1_000_000
    assert grown < 150_000_000
    with path.open() as lines:
        assert sum(1 for _ in lines) == 1_000_000
