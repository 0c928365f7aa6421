"""Manifests as other tools write them: the same list, whatever the format."""

import itertools
import uuid

import pyarrow as pa
import pytest
from pyarrow import parquet
from tests.support.manifest_files import (
    DIGEST,
    FORMATS,
    LAION,
    PACKED,
    ROWS,
    as_parquet,
    listed,
    table,
)

from fetcher.lists.lines import UrlListError
from fetcher.lists.url_list import UrlList
from rollout.errors import SettingError
from rollout.manifest.convert import convert
from rollout.manifest.rows import Columns

PLAIN = [f"http://h{n % 3}/{n}.jpg" for n in range(4)]


@pytest.mark.parametrize(
    ("kind", "packed"), [("parquet", ""), *itertools.product(["csv", "jsonl"], PACKED)]
)
def test_every_format_gives_the_same_list(tmp_path, kind, packed):
    path = tmp_path / f"manifest.{kind}{packed}"
    path.write_bytes(PACKED[packed](FORMATS[kind](ROWS)))
    found = convert(str(path), tmp_path / "list.jsonl", LAION)
    rows = listed(found.path)

    assert (found.count, found.skipped, found.problems) == (3, 0, "")
    assert [
        (row["url"], row.get("destination"), row.get("sha256")) for row in rows
    ] == ROWS
    assert all(row["row"] for row in rows)


@pytest.mark.parametrize("packed", PACKED)
def test_text_holds_a_url_a_line_and_perhaps_a_destination(tmp_path, packed):
    path = tmp_path / f"urls.txt{packed}"
    path.write_bytes(PACKED[packed]("http://h/1\nhttp://h/2\tcats/ü\r\n".encode()))
    convert(str(path), tmp_path / "list.jsonl")

    assert listed(tmp_path / "list.jsonl") == [
        {"row": 1, "url": "http://h/1"},
        {"row": 2, "url": "http://h/2", "destination": "cats/ü"},
    ]


def test_the_list_is_one_that_fetcher_takes(tmp_path):
    path = tmp_path / "m.parquet"
    path.write_bytes(as_parquet(ROWS[:2]))
    convert(str(path), tmp_path / "list.jsonl", LAION)
    items = list(UrlList(tmp_path / "list.jsonl"))

    assert [item[1:] for item in items] == [
        ("http://h/1.jpg", "cats/1.jpg", DIGEST),
        ("http://h/ü?a=1,2", "cats/ü", ""),
    ]


@pytest.mark.parametrize("kind", FORMATS)
def test_a_manifest_in_s3_is_brought_here(target, tmp_path, kind):
    bucket = f"manifest-{uuid.uuid4().hex[:12]}"
    client = target.client("s3")
    client.create_bucket(Bucket=bucket)
    client.put_object(Bucket=bucket, Key=f"m.{kind}", Body=FORMATS[kind](ROWS))
    found = convert(
        f"s3://{bucket}/m.{kind}", tmp_path / "l.jsonl", LAION, target=target
    )

    assert found.count == 3
    with pytest.raises(
        UrlListError, match=r"s3://.*/absent\.csv cannot be read.*NoSuchKey"
    ):
        convert(f"s3://{bucket}/absent.csv", tmp_path / "l.jsonl", target=target)
    with pytest.raises(SettingError, match="say at which target"):
        convert(f"s3://{bucket}/m.{kind}", tmp_path / "l.jsonl")


@pytest.mark.parametrize(
    "column",
    [
        pa.array(PLAIN, pa.large_string()),
        pa.array([url.encode() for url in PLAIN], pa.binary()),
        pa.array(PLAIN).dictionary_encode(),
    ],
    ids=["large_string", "binary", "dictionary"],
)
def test_text_may_be_stored_in_any_way_that_parquet_has(tmp_path, column):
    parquet.write_table(table(column), tmp_path / "m.parquet")
    convert(str(tmp_path / "m.parquet"), tmp_path / "l.jsonl", Columns(url="URL"))

    assert [row["url"] for row in listed(tmp_path / "l.jsonl")] == PLAIN
