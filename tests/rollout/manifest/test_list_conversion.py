"""Manifests as other tools write them: the same list, whatever the format."""

import pyarrow as pa
import pytest
from pyarrow import parquet
from tests.support.bucket_contents import put
from tests.support.manifest_files import FORMATS, LAION, PACKED, ROWS, listed, table

from fetcher.lists.url_list import Columns, UrlList, UrlListError
from rollout.errors import SettingError
from rollout.manifest.list_conversion import convert

PLAIN = [f"http://h{n % 3}/{n}.jpg" for n in range(4)]


@pytest.mark.parametrize("kind", FORMATS)
def test_every_format_gives_the_same_list_and_fetcher_takes_it(tmp_path, kind):
    path = tmp_path / f"manifest.{kind}"
    path.write_bytes(FORMATS[kind](ROWS))
    found = convert(str(path), tmp_path / "list.jsonl", LAION)
    rows = listed(found.path)
    items = UrlList(found.path, allow_s3=True)

    assert (found.count, found.skipped, found.remarks) == (3, 0, [])
    assert [
        (row["url"], row.get("destination"), row.get("sha256")) for row in rows
    ] == ROWS
    assert [item[1:4] for item in items] == [
        tuple(text or "" for text in row) for row in ROWS
    ]
    assert all("TEXT" in row for row in rows) or kind == "parquet"


@pytest.mark.parametrize("packed", PACKED)
def test_text_holds_a_url_a_line_and_perhaps_a_destination(tmp_path, packed):
    path = tmp_path / f"urls.txt{packed}"
    path.write_bytes(PACKED[packed]("http://h/1\nhttp://h/2\tcats/ü\r\n".encode()))
    convert(str(path), tmp_path / "list.jsonl")

    assert listed(tmp_path / "list.jsonl") == [
        {"url": "http://h/1"},
        {"url": "http://h/2", "destination": "cats/ü"},
    ]


def test_a_manifest_in_s3_is_brought_here(target, s3, bucket, tmp_path):
    url, to = put(s3, bucket, "m.parquet", FORMATS["parquet"](ROWS)), tmp_path / "l"

    assert convert(url, to, LAION, target=target).count == 3
    with pytest.raises(UrlListError, match=r"m\.csv cannot be read.*NoSuchKey"):
        convert(f"s3://{bucket}/m.csv", to, target=target)
    with pytest.raises(SettingError, match="say at which target"):
        convert(url, to)


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


ODD = "http://h/1\nnonsense\nhttp://h/1\n# none\nhttp://h/2\tcats/2\nhttp://me:pw@h/3\n"


def test_rows_that_cannot_be_used_come_along_and_end_alike(tmp_path):
    (tmp_path / "m.txt").write_text(ODD)
    found = convert(str(tmp_path / "m.txt"), tmp_path / "l.jsonl")
    before, after = (
        [(*one[:4], one.refusal.partition(":")[0]) for one in urls]
        for urls in (
            UrlList(path, allow_credentials=False)
            for path in (tmp_path / "m.txt", found.path)
        )
    )

    assert found.count == 5
    assert "row 3: duplicate" in found.remarks[-1]
    assert before == after
    assert "pw" not in found.path.read_text()


def test_rows_that_cannot_be_used_are_left_out_or_refused_if_that_is_wanted(tmp_path):
    path, to = tmp_path / "m.txt", tmp_path / "l.jsonl"
    path.write_text(ODD)
    found = convert(str(path), to, skip_bad=True)

    assert (found.count, found.skipped) == (2, 3)
    assert [row["url"] for row in listed(to)] == ["http://h/1", "http://h/2"]
    with pytest.raises(UrlListError, match="3 of its 5 rows cannot be used"):
        convert(str(path), to, strict=True)


def test_a_column_that_is_no_text_is_refused(tmp_path):
    parquet.write_table(table(PLAIN), tmp_path / "m.parquet")

    with pytest.raises(UrlListError, match="'SAMPLE_ID' is of type int64; it must be"):
        convert(str(tmp_path / "m.parquet"), tmp_path / "l", Columns(url="SAMPLE_ID"))


def test_another_column_called_url_does_not_take_the_place_of_the_one_named(tmp_path):
    path, to = tmp_path / "m.csv", tmp_path / "l.jsonl"
    path.write_text("img,url,link\n,page/1,x\nhttp://h/2,page/2,y\nhttp://h/3,,z\n")
    convert(str(path), to, Columns(url="img"))

    assert [item.url for item in UrlList(to)] == ["", "http://h/2", "http://h/3"]
    assert [row["list_url"] for row in listed(to)] == ["page/1", "page/2", ""]


def test_a_list_is_not_written_over_its_manifest(tmp_path):
    path = tmp_path / "m.jsonl"
    path.write_text('{"url": "http://h/1"}\n')

    with pytest.raises(UrlListError, match="is the manifest itself"):
        convert(str(path), path)
    assert listed(path) == [{"url": "http://h/1"}]
