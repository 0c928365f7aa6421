"""Manifests as other tools write them: every row checked, and said which is wrong."""

import csv
import gzip
import io
import itertools
import json
import random
import uuid

import pyarrow as pa
import pytest
from pyarrow import parquet
from tests.jobs import run_alone

from fetcher.listfile import UrlListError
from fetcher.urllist import UrlList
from rollout.errors import SettingError
from rollout.manifest import convert
from rollout.manifest_rows import Columns
from rollout.slices import read, remove, slice_up

LAION = Columns(url="URL", destination="NAME", sha256="DIGEST")
DIGEST = "0123456789abcdef" * 4
ROWS = [
    ("http://h/1.jpg", "cats/1.jpg", DIGEST),
    ("http://h/ü?a=1,2", "cats/ü", None),
    ("s3://photos/2.jpg", None, None),
]
PLAIN = [f"http://h{n % 3}/{n}.jpg" for n in range(4)]


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


def refused(tmp_path, name, data, columns=None):
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(UrlListError) as caught:
        convert(str(path), tmp_path / "list.jsonl", columns)
    assert not (tmp_path / "list.jsonl").exists()
    return str(caught.value).replace(str(path), name)


@pytest.mark.parametrize(
    ("kind", "packed"),
    [("parquet", ""), *itertools.product(["csv", "jsonl"], PACKED)],
)
def test_every_format_gives_the_same_list(tmp_path, kind, packed):
    path = tmp_path / f"manifest.{kind}{packed}"
    path.write_bytes(PACKED[packed](FORMATS[kind](ROWS)))
    found = convert(str(path), tmp_path / "list.jsonl", LAION)
    rows = listed(found.path)

    assert (found.many, found.skipped, found.problems) == (3, 0, "")
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

    assert found.many == 3
    with pytest.raises(
        UrlListError, match=r"s3://.*/absent\.csv cannot be read.*NoSuchKey"
    ):
        convert(f"s3://{bucket}/absent.csv", tmp_path / "l.jsonl", target=target)
    with pytest.raises(SettingError, match="say at which target"):
        convert(f"s3://{bucket}/m.{kind}", tmp_path / "l.jsonl")


BAD = [
    ("http://h/1", "", "", ""),
    (None, "", "", "the URL is"),  # null, or empty where there is no null
    ("", "", "", "the URL is empty"),
    ("ftp://h/4", "", "", "The scheme is 'ftp'; only http and https are fetched."),
    ("http://h/1", "", "", "repeats the URL of {unit} {first}"),
    ("http://h/6", "a/b", "", ""),
    (
        "http://h/7",
        "a/b",
        "",
        "would be stored under the same name as {unit} {sixth}: a/b",
    ),
    ("http://h/8", "a", "", "makes impossible"),
    ("http://h/9", "", "12", "sha256 is '12'; it must be 64 hex digits"),
    ("http://me:secret@h/10", "", "", "holds a user name or password"),
    ("s3://photos", "", "", "names a bucket and no key"),
    ("http://h/a b", "", "", "holds a space or a control character"),
]


@pytest.mark.parametrize("kind", FORMATS)
def test_every_bad_row_is_named_by_its_number_with_what_is_wrong(tmp_path, kind):
    data = FORMATS[kind](
        [(url, name or None, digest or None) for url, name, digest, _ in BAD]
    )
    said = refused(tmp_path, f"m.{kind}", data, LAION)
    unit = "row" if kind == "parquet" else "line"
    numbers = list(range(1, 13))
    if kind == "csv":
        numbers = [2 * number for number in numbers]  # after the header, two lines each
    many = sum(bool(wrong) for *_, wrong in BAD)

    assert said.startswith(f"m.{kind}: {many} problems; nothing was fetched.\n")
    for number, (*_, wrong) in zip(numbers, BAD, strict=True):
        line = next(
            (
                one
                for one in said.splitlines()
                if one.startswith(f"  {unit} {number}: ")
            ),
            "",
        )
        assert wrong.format(unit=unit, first=numbers[0], sixth=numbers[5]) in line
        assert bool(wrong) == bool(line)
    assert "secret" not in said


def test_bad_rows_are_left_out_if_that_is_wanted(tmp_path):
    path = tmp_path / "m.parquet"
    path.write_bytes(as_parquet([(u, n or None, d or None) for u, n, d, _ in BAD]))
    found = convert(str(path), tmp_path / "list.jsonl", LAION, skip_bad=True)

    assert listed(found.path) == [
        {"row": 1, "url": "http://h/1"},
        {"row": 6, "url": "http://h/6", "destination": "a/b"},
    ]
    assert (found.many, found.skipped) == (2, 10)
    assert "  row 2: the URL is null" in found.problems
    path.write_bytes(as_parquet([(None, None, None)]))
    with pytest.raises(UrlListError, match="no URL that could be fetched"):
        convert(str(path), tmp_path / "list.jsonl", LAION, skip_bad=True)


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        (
            "m.csv",
            b"a,b\n1,2\n",
            "m.csv has no column 'url'. It has 'a', 'b': say which",
        ),
        ("m.csv", b'"url', "m.csv, line 1 is not CSV: unexpected end of data"),
        ("m.csv", b"", "m.csv has no column 'url'. It has none"),
        (
            "m.parquet",
            as_parquet(ROWS),
            "has no column 'url'. It has 'SAMPLE_ID', 'URL'",
        ),
        ("m.parquet", b"PAR1", "m.parquet cannot be read as Parquet"),
        (
            "m.txt",
            "http://h/1\n".encode("utf-16"),
            "m.txt is UTF-16 or UTF-32; save it",
        ),
        ("m.csv", "url\nhttp://h\n".encode("utf-16"), "m.csv is UTF-16 or UTF-32"),
        (
            "m.txt.gz",
            b"http://h/1\n",
            "m.txt.gz is not whole, or not what its name says",
        ),
        (
            "m.txt.gz",
            gzip.compress(b"http://h/1\n" * 99, mtime=0)[:-9],
            "m.txt.gz is not whole",
        ),
        ("m.txt.zst", b"http://h/1\n", "m.txt.zst is not whole, or not what its name"),
        ("m.txt", b"", "there is no URL that could be fetched"),
        ("m.txt", b"http://h/1\n\nhttp://h/3\n", "line 2: is blank; remove it"),
        ("m.csv", b"url\nhttp://h/1\n\n", "line 3: is blank; remove it"),
        ("m.csv", b"url,a\nhttp://h/1\n", "line 2: has 1 fields; the header has 2"),
        ("m.csv", b'url\nhttp://h/1\n"http://h/2\n', "line 3: is not CSV"),
        ("m.jsonl", b'{"url": "http://h/1"}\n{"url"\n', "line 2: is not a JSON object"),
        ("m.jsonl", b'{"url": 7}\n', "line 1: url is a int; it must be text"),
        ("m.jsonl", b'{"src": "http://h/1"}\n', "line 1: the URL is null"),
        ("m.jsonl", b"[]\n", "line 1: is not a JSON object: list"),
    ],
)
def test_what_is_no_manifest_is_refused_with_the_reason(tmp_path, name, data, said):
    assert said in refused(tmp_path, name, data)


@pytest.mark.parametrize("kind", ["csv", "txt", "jsonl", "parquet"])
def test_rows_of_another_encoding_are_named(tmp_path, kind):
    """
    A file put together from others is often in several encodings.
    """
    latin = "http://h/é".encode("latin-1")
    urls = [b"http://h/1", "http://h/ü".encode(), latin, b"http://h/4"]
    if kind == "csv":
        data = b"URL,TEXT\n" + b"".join(b"%b,caf\xe9\n" % url for url in urls)
        expected = "  line 4: url is not UTF-8: it holds the byte 0xE9"
    elif kind == "txt":
        data = b"\n".join(urls)
        expected = "  line 3: is not UTF-8: invalid continuation byte at byte 10"
    elif kind == "jsonl":
        data = b"\n".join(b'{"URL": "%b"}' % url for url in urls)
        expected = "  line 3: is not UTF-8: invalid continuation byte at byte 19"
    else:
        sink = io.BytesIO()
        texts = pa.array(urls, pa.binary()).view(pa.string())
        parquet.write_table(table(texts), sink)
        data, expected = (
            sink.getvalue(),
            "  row 3: url is not UTF-8: it holds the byte 0xE9",
        )
    said = refused(tmp_path, f"m.{kind}", data, Columns(url="URL"))

    assert said == f"m.{kind}: 1 problem; nothing was fetched.\n{expected}"


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


def test_a_column_that_is_no_text_is_refused(tmp_path):
    parquet.write_table(table(PLAIN), tmp_path / "m.parquet")

    with pytest.raises(
        UrlListError, match="column 'SAMPLE_ID' is of type int64; it must be"
    ):
        convert(
            str(tmp_path / "m.parquet"), tmp_path / "l.jsonl", Columns(url="SAMPLE_ID")
        )


def laion(path, rows):
    """
    Write a table like LAION's: a million rows or so in row groups as large.
    """
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
from fetcher.memory import peak_rss_bytes as peak
from rollout.manifest import convert
from rollout.manifest_rows import Columns

path, to = sys.argv[1:]
before, began = peak(), process_time()
found = convert(path, Path(to), Columns(url="URL"))
print(json.dumps([found.many, peak() - before, process_time() - began]))
"""


def test_memory_does_not_grow_with_the_manifest(tmp_path):
    grown = []
    for rows in (2_000, 40_000):
        laion(tmp_path / "m.parquet", rows)
        ((many, more, _),) = run_alone(
            MEMORY, tmp_path / "m.parquet", tmp_path / "l.jsonl"
        )
        assert many == rows
        grown.append(more)

    assert grown[1] - grown[0] < 20_000_000


@pytest.mark.soak
def test_soak_a_million_rows_are_checked_and_sliced_in_flat_memory(tmp_path, target):
    laion(tmp_path / "m.parquet", 1_000_000)
    path = tmp_path / "l.jsonl"
    ((many, grown, cpu_s),) = run_alone(
        MEMORY, tmp_path / "m.parquet", path, within_s=300
    )
    bucket = f"laion-{uuid.uuid4().hex[:12]}"
    target.client("s3").create_bucket(Bucket=bucket)
    slices = slice_up(path, f"s3://{bucket}/l", target)
    print(f"\n1M rows: {cpu_s:.1f} s of CPU, {grown / 1e6:.0f} MB more at the peak")

    assert many == len(slices) == 1_000_000
    assert grown < 150_000_000
    assert sum(1 for _ in read(slices, target)) == 1_000_000
    assert remove(slices.where, target) == 1_000
