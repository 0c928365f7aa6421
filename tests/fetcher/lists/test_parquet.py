"""Rows of Parquet: whatever its columns are called and hold, and packed or not."""

import math

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.support.url_lists import PACKED, url_list

from fetcher.lists.columns import DEEPEST
from fetcher.lists.problems import UrlListError

URL = ("url", ["http://h/1"])


def parquet_list(folder, columns, packed=""):
    """Return a list of these columns: pairs of a name and values."""
    names, values = zip(*columns, strict=True)
    file = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_arrays([*map(pa.array, values)], [*names]), file)
    content = PACKED[packed](file.getvalue().to_pybytes())
    return url_list(folder, content, f".parquet{packed}")


@pytest.mark.parametrize("packed", PACKED)
def test_parquet_may_have_columns_of_one_name_and_be_packed(tmp_path, packed):
    """
    A join leaves such columns; those of bytes are not carried along.
    """
    columns = [URL, ("x", [b"bytes"]), ("x", [1]), ("x.y", [2]), ("x", [3])]
    columns += [("url", ["page"]), ("x_2", [b"bytes"])]
    (row,) = parquet_list(tmp_path, columns, packed)

    assert row.url == "http://h/1"
    assert row.columns == {"x_3": 1, "x.y": 2, "x_4": 3, "url_2": "page"}


def test_times_are_texts_as_arrow_writes_them_with_pandas_or_without(tmp_path):
    kinds = {
        "at": pa.timestamp("ns"),
        "o'clock": pa.time64("ns"),
        "took": pa.duration("ns"),
        "day": pa.timestamp("s", "UTC"),
    }
    one = pa.array([1], pa.int64())
    times = [(name, one.cast(kind)) for name, kind in kinds.items()]
    (row,) = parquet_list(tmp_path, [URL, *times])

    assert row.columns == {
        "at": "1970-01-01 00:00:00.000000001",
        "o'clock": "00:00:00.000000001",
        "took": "1",
        "day": "1970-01-01 00:00:01.000Z",
    }


def test_what_python_has_not_is_null_where_it_stands_in_another_value(tmp_path):
    """
    A time after the year 9999 is, and so is a text that is not UTF-8.
    """
    times = pa.array([10**15, 0], pa.int64()).cast(pa.timestamp("s"))
    texts = pa.array([b"caf\xe9", b"a"]).view(pa.string())
    columns = {"at": times, "of": texts}
    nested = [
        (name, pa.ListArray.from_arrays([0, 1, 2], values))
        for name, values in columns.items()
    ]
    urls = [f"http://h/{n}" for n in range(2)]
    rows = parquet_list(tmp_path, [("url", urls), ("destination", times), *nested])

    assert [(row.destination, row.columns) for row in rows] == [
        ("", {"at": None, "of": None}),
        ("1970-01-01 00:00:00", {"at": ["1970-01-01 00:00:00"], "of": ["a"]}),
    ]


def test_numbers_that_json_has_not_are_null(tmp_path):
    numbers = [("a", [math.inf]), ("b", [[math.nan, 0.5]])]
    (row,) = parquet_list(tmp_path, [URL, *numbers])

    assert row.carried == '{"a": null, "b": [null, 0.5]}'


def test_texts_of_parquet_that_are_not_utf_8_or_empty_cost_nothing_else(tmp_path):
    """
    pyarrow writes any bytes as text, and other programs do, too.
    """
    raw = pa.array([b"caf\xe9", b"", None])
    large = raw.cast(pa.large_binary()).view(pa.large_string())
    urls = [f"http://h/{n}".encode() for n in range(3)]
    columns = ("destination", raw), ("a", raw.view(pa.string())), ("b", large)
    rows = list(parquet_list(tmp_path, [("url", urls), *columns]))

    assert [row.destination for row in rows] == ["café", "", ""]
    texts = ("café", "", None)
    assert [row.columns for row in rows] == [{"a": one, "b": one} for one in texts]


def test_a_column_that_is_nested_too_deeply_is_refused(tmp_path):
    """
    By pyarrow, and before a value is deeper than what a row may carry.
    """
    deep = pa.array([1])
    for _ in range(DEEPEST):
        deep = pa.StructArray.from_arrays([deep], ["a"])

    with pytest.raises(UrlListError, match="Parquet schema too deeply nested"):
        parquet_list(tmp_path, [URL, ("deep", deep)])
