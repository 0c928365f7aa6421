"""Manifests in all formats, and the lists that they become."""

from __future__ import annotations

import csv
import gzip
import io
import json

import pyarrow as pa
from pyarrow import parquet

from fetcher.lists.url_list import Columns

LAION = Columns(url="URL", name="NAME", sha256="DIGEST")
DIGEST = "0123456789abcdef" * 4
ROWS = [
    ("http://h/1.jpg", "cats/1.jpg", DIGEST),
    ("http://h/ü?a=1,2", "cats/ü", None),
    ("s3://photos/2.jpg", None, None),
]


def table(urls, **columns):
    return pa.table({"SAMPLE_ID": list(range(len(urls))), "URL": urls, **columns})


def as_parquet(rows):
    urls, names, digests = (
        pa.array(column, pa.string()) for column in zip(*rows, strict=True)
    )
    sink = io.BytesIO()
    parquet.write_table(table(urls, NAME=names, DIGEST=digests), sink)
    return sink.getvalue()


def as_csv(rows):
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["TEXT", "URL", "NAME", "DIGEST"])
    for url, name, digest in rows:
        writer.writerow(['a "caption",\nof two lines', url, name or "", digest or ""])
    return text.getvalue().encode()


def as_jsonl(rows):
    lines = [
        {"TEXT": "é", "URL": url, "NAME": name, "DIGEST": digest}
        for url, name, digest in rows
    ]
    return "".join(json.dumps(line) + "\n" for line in lines).encode()


FORMATS = {"parquet": as_parquet, "csv": as_csv, "jsonl": as_jsonl}
PACKED = {
    "": lambda data: data,
    ".gz": gzip.compress,
    ".zst": lambda data: pa.compress(data, codec="zstd", asbytes=True),
}


def listed(path):
    return [json.loads(line) for line in path.read_text().splitlines()]
