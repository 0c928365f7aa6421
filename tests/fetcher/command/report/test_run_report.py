"""Reports as JSON lines, CSV and Parquet: a row for each row of the list, in order."""

import csv
import json
import random
from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fetcher.command.report import csv_and_parquet
from fetcher.command.report.json_lines import FIELDS, line_again, line_of
from fetcher.command.report.run_report import RunReport
from fetcher.contract.download_results import Download
from fetcher.contract.outcome import Outcome
from fetcher.contract.source import Item
from fetcher.transfer.sink import WHOLE

VALUES = st.one_of(
    *(st.none(), st.booleans(), st.integers(), st.text()),
    st.floats(allow_nan=False, allow_infinity=False),
    st.lists(st.integers(), max_size=2),
)
COLUMNS = st.dictionaries(st.sampled_from(["caption", "id", "width", "n,\n"]), VALUES)
DOWNLOADS = st.builds(
    Download,
    st.sampled_from(Outcome),
    status=st.sampled_from([0, 200, 404]),
    body_bytes=st.integers(0, 10**12),
    seconds=st.floats(0, 1e6).map(lambda s: round(s, 6)),
    attempts=st.integers(0, 9),
    detail=st.text(),
    width=st.integers(0, 9),
    height=st.integers(0, 9),
    found_type=st.just("image/png"),
    sha256=st.just("ab" * 32),
)


FOREIGN = pa.BufferOutputStream()
pq.write_table(pa.table({"when": [datetime(2026, 11, 29, tzinfo=UTC)]}), FOREIGN)
FOREIGN = FOREIGN.getvalue().to_pybytes()


def line(number, columns=None, download=WHOLE):
    carried = json.dumps(columns) if columns else ""
    return line_of(Item(number, f"http://h/{number}", carried=carried), download)


def written(path, lines, in_order=False):
    """Write a report whose downloads end in any order; return what it was made of."""
    with RunReport(path, in_order=in_order) as report:
        for one in random.sample(lines, len(lines)):
            report.file.write(one.encode())
        report.finish()
    return [json.loads(one) for one in lines]


def read(path):
    if path.suffix == ".parquet":
        return pq.read_table(path).to_pylist()
    if path.suffix == ".csv":
        with path.open(newline="", encoding="utf-8") as file:
            return list(csv.DictReader(file))
    return [json.loads(one) for one in path.read_text().splitlines()]


def as_text(value):
    is_text = isinstance(value, str)
    return "" if value is None else value if is_text else json.dumps(value)


@pytest.mark.parametrize("ending", ["jsonl", "csv", "parquet"])
@given(st.lists(st.tuples(COLUMNS, DOWNLOADS), min_size=1, max_size=12))
def test_every_row_is_there_in_order_with_all_that_it_carries(
    tmp_path_factory, ending, rows
):
    path = tmp_path_factory.mktemp("report") / f"r.{ending}"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(csv_and_parquet, "_ROWS_AT_ONCE", 5)
        lines = [line(n, *row) for n, row in enumerate(rows)]
        expected = written(path, lines, in_order=True)
    got = read(path)

    assert [int(row["row"]) for row in got] == list(range(1, len(rows) + 1))
    assert {one.name for one in path.parent.iterdir()} == {path.name}
    for row, wanted in zip(got, expected, strict=True):
        assert all(as_text(row[name]) == as_text(wanted[name]) for name in FIELDS)
        for name in row.keys() - FIELDS.keys():
            same = row[name] == wanted.get(name)
            assert same or as_text(row[name]) == as_text(wanted.get(name))
        assert wanted.keys() <= row.keys()


def test_columns_keep_their_types_in_parquet_and_mixed_ones_are_json(tmp_path):
    columns = [{"n": 1, "x": 1, "any": [1]}, {"n": None, "x": 0.5, "any": "a"}]
    written(tmp_path / "r.parquet", [line(n, one) for n, one in enumerate(columns)])
    schema = pq.read_schema(tmp_path / "r.parquet")
    kinds = {name: str(schema.field(name).type) for name in ("row", "n", "x", "any")}

    assert kinds == {"row": "int64", "n": "int64", "x": "double", "any": "string"}
    assert pq.read_table(tmp_path / "r.parquet")["any"].to_pylist() == ["[1]", "a"]
    assert pq.read_table(tmp_path / "r.parquet")["width"].to_pylist() == [None, None]


@pytest.mark.parametrize("name", ["r.csv", "r.parquet"])
def test_half_an_emoji_leaves_a_table_readable_and_is_read_back(tmp_path, name):
    """
    JavaScript's `slice` cuts captions so, which UTF-8 cannot spell.
    """
    path = tmp_path / name
    (expected,) = written(path, [line(0, {"half \ud83d": "of \ud83d", "é": "1"})])
    (row,) = read(path)
    (again,) = map(json.loads, csv_and_parquet.lines_of(path))

    assert (row["half \\ud83d"], row["é"]) == ("of \\ud83d", "1")
    assert again["url"] == expected["url"]


@pytest.mark.parametrize("name", ["r.tsv", "r.csv.gz", "r.JSON", "r.txt", "r.xlsx"])
def test_a_report_whose_name_promises_another_format_is_refused(tmp_path, name):
    with pytest.raises(ValueError, match=r"name a file that ends in \.jsonl, \.csv or"):
        RunReport(tmp_path / name)

    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_a_table_is_read_back_as_the_lines_that_it_was_made_of(tmp_path, ending):
    path = tmp_path / f"r.{ending}"
    sizes = {"width": 3, "height": 4}
    download = Download(Outcome.OK, 200, 9, seconds=1.5, attempts=2, **sizes)
    columns = {"caption": "ü" * 200_000}  # its line has more than a MiB
    expected = written(path, [line(n, columns, download) for n in range(3)])
    with RunReport(path) as report:
        lines = read(tmp_path / f"r.{ending}.jsonl")
        report.finish()

    assert lines == expected == [json.loads(json.dumps(row)) for row in lines]
    assert len(read(path)) == 3


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", b"url,caption\nhttp://h/,x\n"),
        ("a.csv", b"\x00"),
        ("a.parquet", b"x"),
        ("a.parquet", FOREIGN),
    ],
)
def test_a_table_that_is_no_report_is_left_alone(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError, match="is there already, but it is not a report"):
        RunReport(tmp_path / name)

    assert (tmp_path / name).read_bytes() == content
    assert [one.name for one in tmp_path.iterdir()] == [name]


def test_without_pyarrow_parquet_is_refused_and_csv_is_not(tmp_path, monkeypatch):
    monkeypatch.setattr(csv_and_parquet, "find_spec", lambda _: None)
    with pytest.raises(ValueError, match="needs pyarrow, which is not installed"):
        RunReport(tmp_path / "r.parquet")

    assert written(tmp_path / "r.csv", [line(0)])


def test_a_row_that_moved_is_reported_where_the_list_has_it_now():
    moved = Item(4, "http://h/0", carried='{"n": 2}')
    once = line(0, {"n": 1, "gone": 1}).encode()
    again = line_again(once, moved)

    assert json.loads(again) == json.loads(line(0)) | {"row": 5, "n": 2}
    assert line_again(again, moved) == again


@pytest.mark.parametrize("is_there", [True, False])
@pytest.mark.parametrize("name", ["r.csv", "r.parquet", "r.jsonl"])
def test_a_run_that_is_refused_leaves_a_report_as_it_was_or_none(
    tmp_path, name, is_there
):
    path = tmp_path / name
    if is_there:
        written(path, [line(0)])
    before = {one.name: one.read_bytes() for one in tmp_path.iterdir()}
    with RunReport(path) as report:  # to which nothing is added
        assert not is_there or str(report.file) == str(path)

    assert {one.name: one.read_bytes() for one in tmp_path.iterdir()} == before
