"""Lists that are refused whole: not what was meant, torn, or of no format."""

import gzip
import os
import sys

import pytest
from tests.support.full_disk import no_file_larger_than
from tests.support.url_lists import PACKED, url_list

from fetcher.lists.files import inputs
from fetcher.lists.url_list import UrlList, UrlListError

MOSTLY_BAD = "".join(f"nonsense {n}\n" for n in range(501))
HALF_GOOD = "".join(f"http://h/{n}\n" for n in range(500))


def zeros_within(data):
    return data[:200] + bytes(99) + data[299:]


@pytest.mark.parametrize(
    ("text", "strict", "said"),
    [
        ("", False, "holds no URL"),
        ("# nothing\n\n", False, "holds no URL"),
        ('[\n{"url": "http://h/1"}\n]', False, "JSON lines, an object a line"),
        ("url|caption\nhttp|a\n", False, "first line names a column url"),
        ("nonsense\n", False, "1 of its 1 rows cannot be used; nothing was fetched"),
        (MOSTLY_BAD + HALF_GOOD, False, "501 of its 1,001 rows cannot be used"),
        ("http://h/1\n" * 2, True, "row 2: duplicate: repeats the URL of row 1"),
        (HALF_GOOD + "nonsense\n", True, "row 501: bad_url: The scheme is ''"),
    ],
)
def test_a_list_is_refused_whole_if_it_cannot_be_what_was_meant(
    tmp_path, text, strict, said
):
    with pytest.raises(UrlListError) as refused:
        url_list(tmp_path, text, strict=strict)

    assert said in str(refused.value)


def test_a_list_of_which_half_the_rows_are_bad_is_fetched(tmp_path):
    urls = url_list(tmp_path, HALF_GOOD + MOSTLY_BAD[: -len("nonsense 500\n")])

    assert len(urls) == 1_000


@pytest.mark.parametrize(
    ("suffix", "data", "said"),
    [
        *(
            (packed, damaged(PACKED[packed](HALF_GOOD.encode())), "is not whole")
            for packed in (".gz", ".xz", ".zst")
            for damaged in (lambda data: data[:-9], zeros_within)
        ),
        (".zip", b"PK\x03\x04....", "is not supported: use gzip"),
        (".parquet", b"PAR1", "cannot be read as Parquet"),
        (".parquet", b"url\n", "is no Parquet file"),
    ],
)
def test_a_file_that_is_torn_or_of_no_format_is_refused(tmp_path, suffix, data, said):
    with pytest.raises(UrlListError, match=said):
        url_list(tmp_path, data, suffix)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("nothing.txt", "No such file or directory: nothing.txt"),
        ("folder", r"folder is a folder. Name its files, 'folder/\*\.csv' say"),
        ("fold*", r"No file matches fold\*"),
        ("https://h/list.csv", "is a URL, and no list of them"),
        ("https://h/1?sig=ab", r"^https://h/1\?sig=\*\*\* is a URL, and no list"),
    ],
)
def test_what_is_no_file_is_refused_before_the_first_is_read(
    tmp_path, monkeypatch, name, said
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    (tmp_path / "good.txt").write_text(HALF_GOOD)

    with pytest.raises(UrlListError, match=said):
        UrlList("good.txt", name)


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".txt", ".jsonl"])
def test_a_part_without_rows_refuses_no_list(tmp_path, suffix):
    (tmp_path / f"empty{suffix}").touch()
    urls = UrlList(tmp_path / f"empty{suffix}", url_list(tmp_path, HALF_GOOD).names[0])

    assert len(urls) == 500


def test_a_tear_far_down_is_told_at_the_end_of_what_could_be_read(tmp_path):
    lines = "".join(f"http://h/{n}/{os.urandom(99).hex()}\n" for n in range(30_000))
    urls = url_list(tmp_path, gzip.compress(lines.encode())[:-500_000], ".txt.gz")
    rows = list(urls)

    assert 5_000 < len(rows) < 30_000
    with pytest.raises(UrlListError, match="is not whole"):
        urls.raise_if_torn()


def test_a_list_that_cannot_be_kept_ends_before_the_rows_that_were_not_written(
    tmp_path,
):
    """
    Even if there is no room to say so: whoever asks again gets no others instead.
    """
    lines = "".join(f"http://h/{n}\n" for n in range(100_000))
    urls = url_list(tmp_path, lines)
    known = urls.count
    size = os.fstat(urls._spool._file).st_size
    with no_file_larger_than(size + 10), pytest.raises(OSError, match="too large"):
        urls.read_on()
    rows = list(urls)

    assert 0 < known < 100_000
    assert [row.url for row in rows] == [f"http://h/{n}" for n in range(known)]
    assert [row.number for row in rows] == list(range(known))
    with pytest.raises(UrlListError, match="too large"):
        urls.raise_if_torn()


def test_without_pyarrow_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)

    with pytest.raises(UrlListError, match="pip install pyarrow"):
        inputs.pyarrow_for("a.parquet")
