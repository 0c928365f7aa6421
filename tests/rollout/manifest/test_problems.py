"""What is wrong with manifests: every row of it named, with the reason."""

import gzip
import io

import pyarrow as pa
import pytest
from pyarrow import parquet
from tests.support.manifest_files import FORMATS, LAION, ROWS, as_parquet, listed, table

from fetcher.lists.lines import UrlListError
from rollout.manifest.convert import convert
from rollout.manifest.rows import Columns

PLAIN = [f"http://h{n % 3}/{n}.jpg" for n in range(4)]


def refused(tmp_path, name, data, columns=None):
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(UrlListError) as caught:
        convert(str(path), tmp_path / "list.jsonl", columns)
    assert not (tmp_path / "list.jsonl").exists()
    return str(caught.value).replace(str(path), name)


BAD = [
    ("http://h/1", "", "", ""),
    (None, "", "", "the URL is"),  # null, or empty where there is no null
    ("", "", "", "the URL is empty"),
    ("ftp://h/4", "", "", "The scheme is 'ftp'; only http and https are fetched."),
    ("http://h/1", "", "", "repeats the URL of {unit} {first}"),
    ("http://h/6", "a/b", "", ""),
    ("http://h/7", "a/b", "", "stored under the same name as {unit} {sixth}: a/b"),
    ("http://h/8", "a", "", "makes impossible"),
    ("http://h/9", "", "12", "sha256 is '12'; it must be 64 hex digits"),
    ("http://me:secret@h/10", "", "", "holds a user name or password"),
    ("s3://photos", "", "", "names a bucket and no key"),
    ("http://h/a b", "", "", "holds a space or a control character"),
]
ROWS_OF_BAD = [(url, name or None, digest or None) for url, name, digest, _ in BAD]


@pytest.mark.parametrize("kind", FORMATS)
def test_every_bad_row_is_named_by_its_number_with_what_is_wrong(tmp_path, kind):
    said = refused(tmp_path, f"m.{kind}", FORMATS[kind](ROWS_OF_BAD), LAION)
    unit = "row" if kind == "parquet" else "line"
    numbers = list(range(1, 13))
    if kind == "csv":
        numbers = [2 * number for number in numbers]  # after the header, two lines each
    many = sum(bool(wrong) for *_, wrong in BAD)

    assert said.startswith(f"m.{kind}: {many} problems; nothing was fetched.\n")
    for number, (*_, wrong) in zip(numbers, BAD, strict=True):
        start = f"  {unit} {number}: "
        line = next((one for one in said.splitlines() if one.startswith(start)), "")
        assert wrong.format(unit=unit, first=numbers[0], sixth=numbers[5]) in line
        assert bool(wrong) == bool(line)
    assert "secret" not in said


def test_bad_rows_are_left_out_if_that_is_wanted(tmp_path):
    path = tmp_path / "m.parquet"
    path.write_bytes(as_parquet(ROWS_OF_BAD))
    found = convert(str(path), tmp_path / "list.jsonl", LAION, skip_bad=True)

    assert listed(found.path) == [
        {"row": 1, "url": "http://h/1"},
        {"row": 6, "url": "http://h/6", "destination": "a/b"},
    ]
    assert (found.count, found.skipped) == (2, 10)
    assert "  row 2: the URL is null" in found.problems
    path.write_bytes(as_parquet([(None, None, None)]))
    with pytest.raises(UrlListError, match="no URL that could be fetched"):
        convert(str(path), tmp_path / "list.jsonl", LAION, skip_bad=True)


NOT_WHOLE = "is not whole, or not what its name says"
HALF_GZIP = gzip.compress(b"http://h/1\n" * 99, mtime=0)[:-9]
REFUSED = [
    ("csv", b"a,b\n1,2\n", "m.csv has no column 'url'. It has 'a', 'b': say which"),
    ("csv", b'"url', "m.csv, line 1 is not CSV: unexpected end of data"),
    ("csv", b"", "m.csv has no column 'url'. It has none"),
    ("parquet", as_parquet(ROWS), "no column 'url'. It has 'SAMPLE_ID', 'URL'"),
    ("parquet", b"PAR1", "m.parquet cannot be read as Parquet"),
    ("txt", "http://h/1\n".encode("utf-16"), "m.txt is UTF-16 or UTF-32; save it"),
    ("csv", "url\nhttp://h\n".encode("utf-16"), "m.csv is UTF-16 or UTF-32"),
    ("txt.gz", b"http://h/1\n", f"m.txt.gz {NOT_WHOLE}"),
    ("txt.gz", HALF_GZIP, f"m.txt.gz {NOT_WHOLE}"),
    ("txt.zst", b"http://h/1\n", f"m.txt.zst {NOT_WHOLE}"),
    ("txt", b"", "there is no URL that could be fetched"),
    ("txt", b"http://h/1\n\nhttp://h/3\n", "line 2: is blank; remove it"),
    ("csv", b"url\nhttp://h/1\n\n", "line 3: is blank; remove it"),
    ("csv", b"url,a\nhttp://h/1\n", "line 2: has 1 fields; the header has 2"),
    ("csv", b'url\nhttp://h/1\n"http://h/2\n', "line 3: is not CSV"),
    ("jsonl", b'{"url": "http://h/1"}\n{"url"\n', "line 2: is not a JSON object"),
    ("jsonl", b'{"url": 7}\n', "line 1: url is a int; it must be text"),
    ("jsonl", b'{"src": "http://h/1"}\n', "line 1: the URL is null"),
    ("jsonl", b"[]\n", "line 1: is not a JSON object: list"),
]


@pytest.mark.parametrize(("kind", "data", "said"), REFUSED)
def test_what_is_no_manifest_is_refused_with_the_reason(tmp_path, kind, data, said):
    assert said in refused(tmp_path, f"m.{kind}", data)


@pytest.mark.parametrize("kind", ["csv", "txt", "jsonl", "parquet"])
def test_rows_of_another_encoding_are_named(tmp_path, kind):
    """A file put together from others is often in several encodings."""
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
        data = sink.getvalue()
        expected = "  row 3: url is not UTF-8: it holds the byte 0xE9"
    columns = None if kind == "txt" else Columns(url="URL")
    said = refused(tmp_path, f"m.{kind}", data, columns)

    assert said == f"m.{kind}: 1 problem; nothing was fetched.\n{expected}"


def test_a_column_that_is_no_text_is_refused(tmp_path):
    parquet.write_table(table(PLAIN), tmp_path / "m.parquet")
    data = (tmp_path / "m.parquet").read_bytes()
    said = refused(tmp_path, "m.parquet", data, Columns(url="SAMPLE_ID"))

    assert "column 'SAMPLE_ID' is of type int64; it must be" in said


def test_columns_of_a_text_are_refused(tmp_path):
    said = refused(tmp_path, "m.txt.gz", b"http://h/1\n", Columns(url="image"))

    assert said.startswith("m.txt.gz is read as text")
