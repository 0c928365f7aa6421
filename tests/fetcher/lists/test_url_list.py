"""Lists of every format: rows in their order, read once, in little memory."""

import gzip
import json
import lzma
import math
import os
import subprocess
import sys

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.support.engine_jobs import run_alone
from tests.support.url_lists import told, url_list

from fetcher.contract.source import Item
from fetcher.lists.position_set import Positions
from fetcher.lists.url_list import ENDLESS, Columns, UrlList, UrlListError

SHA = "a" * 64
JSON_ROW = '{"url":"http://h/2","destination":"b/c.jpg"}'
SAME_ITEMS = [
    (".txt", "http://h/1\nhttp://h/2\tb/c.jpg\n"),
    (".txt", "\ufeff# mine\r\n\r\nhttp://h/1\r\n  http://h/2\tb/c.jpg "),
    (".txt", "http://h/1\rhttp://h/2\tb/c.jpg"),
    (".txt", "destination\turl\n\thttp://h/1\nb/c.jpg\thttp://h/2\n"),
    (".TSV", "url\tdestination\nhttp://h/1\t\nhttp://h/2\tb/c.jpg\n"),
    (".csv", "url,destination\nhttp://h/1,\n\nhttp://h/2,b/c.jpg\n"),
    (".csv", "url,destination\rhttp://h/1,\r\rhttp://h/2,b/c.jpg\r"),
    (".csv", '\ufeffdestination;URL\r\n;http://h/1\r\n"b/c.jpg";"http://h/2"'),
    (".jsonl", f'{{"url":"http://h/1"}}\n{JSON_ROW}'),
    ("", f'{{"url":"http://h/1","destination":null}}\n\n {JSON_ROW}'),
]
PACKED = {
    "": lambda data: data,
    ".gz": gzip.compress,
    ".xz": lzma.compress,
    ".zst": lambda data: pa.compress(data, codec="zstd", asbytes=True),
}


@pytest.mark.parametrize(("suffix", "text"), SAME_ITEMS)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-16-le"])
def test_each_format_gives_the_same_items(tmp_path, suffix, text, encoding):
    urls = url_list(
        tmp_path, text.lstrip("\ufeff" * (encoding != "utf-8")).encode(encoding), suffix
    )

    assert list(urls) == [Item(0, "http://h/1"), Item(1, "http://h/2", "b/c.jpg")]
    assert list(urls) == list(urls)
    assert len(urls) == 2


@pytest.mark.parametrize("packed", PACKED)
def test_a_file_may_be_packed_whatever_its_name_says(tmp_path, packed):
    data = PACKED[packed](f"url,sha256\nhttp://h/1,{SHA}\n".encode())

    for suffix in (f".csv{packed}", ".csv"):
        assert list(url_list(tmp_path, data, suffix)) == [
            Item(0, "http://h/1", "", SHA)
        ]


def test_columns_are_named_or_found_and_all_others_are_carried_along(tmp_path):
    text = 'id,Image_URL,caption,width\n1,http://h/1,"a ""cat"",\non a mat",640\n'
    found = url_list(tmp_path, text, ".csv")
    named = Columns(url="Image_URL", name="id")
    other = url_list(tmp_path, text, ".csv", columns=named)
    caption = {"caption": 'a "cat",\non a mat', "width": "640"}

    assert told(found) == [(1, "http://h/1", "ok", {"id": "1", **caption})]
    assert [(row.destination, row.columns) for row in other] == [("1", caption)]


def parquet_of(columns):
    names, arrays = zip(*columns, strict=True)
    file = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_arrays(list(arrays), names=list(names)), file)
    return file.getvalue().to_pybytes()


@pytest.mark.parametrize("packed", PACKED)
def test_parquet_may_have_columns_of_one_name_and_be_packed(tmp_path, packed):
    """
    A join leaves such columns; those of bytes are not carried along.
    """
    columns = [("url", ["http://h/1"]), ("x", [b"bytes"]), ("x", [1]), ("x.y", [2])]
    columns += [("x", [3]), ("url", ["page"]), ("x_2", [b"bytes"])]
    content = parquet_of([(name, pa.array(values)) for name, values in columns])
    (row,) = url_list(tmp_path, PACKED[packed](content), f".parquet{packed}")

    assert (row.url, row.columns) == (
        "http://h/1",
        {"x_3": 1, "x.y": 2, "x_4": 3, "url_2": "page"},
    )


def test_times_are_texts_as_arrow_writes_them_with_pandas_or_without(tmp_path):
    nanosecond = pa.array([1], pa.int64())
    kinds = {"at": pa.timestamp("ns"), "o'clock": pa.time64("ns")}
    kinds |= {"took": pa.duration("ns"), "day": pa.timestamp("s", "UTC")}
    times = [(name, nanosecond.cast(kind)) for name, kind in kinds.items()]
    content = parquet_of([("url", pa.array(["http://h/1"])), *times])
    (row,) = url_list(tmp_path, content, ".parquet")

    assert row.columns == {
        "at": "1970-01-01 00:00:00.000000001",
        "o'clock": "00:00:00.000000001",
        "took": "1",
        "day": "1970-01-01 00:00:01.000Z",
    }


@pytest.mark.parametrize("header", ["url", '"url"', "\ufeffURL"])
def test_a_list_of_one_column_has_a_header_whatever_it_is_called(tmp_path, header):
    text = f"{header}\nhttp://h/1,5\n"
    for columns in (Columns(), Columns(url=header.strip('\ufeff"'))):
        (row,) = url_list(tmp_path, text, ".txt", columns=columns)
        assert row.url == "http://h/1,5"


@pytest.mark.parametrize("header", ["# a licence\n" * 2_000, "x" * 9_000 + ","])
def test_a_header_may_be_long_and_below_a_long_comment(header):
    reads, writes = os.pipe()
    os.write(writes, f"{header}url,a\n{',' * header.count(',')}http://h/1,b\n".encode())
    os.close(writes)
    rows = list(UrlList(f"/dev/fd/{reads}"))
    os.close(reads)

    assert [(row.url, row.columns["a"]) for row in rows] == [("http://h/1", "b")]


def test_a_text_that_others_were_added_to_has_the_marks_of_their_encodings(tmp_path):
    text = "\ufeffhttp://h/1\n\ufeff# more\n\ufeffhttp://h/2\n"

    assert [one.url for one in url_list(tmp_path, text)] == ["http://h/1", "http://h/2"]


def test_what_python_reads_and_json_has_not_is_carried_along_as_null(tmp_path):
    text = '{"url": "http://h/1", "a": NaN, "b": [-Infinity, 0.5], "c": -1e999}\n'
    other = text.replace("NaN", "1e999").replace("-Infinity", '{"d": 1e999}')
    numbers = {"a": pa.array([math.inf]), "b": pa.array([[math.nan, 0.5]])}
    table = pa.table({"url": ["http://h/1"], **numbers})
    pq.write_table(table, tmp_path / "urls.parquet")
    lists = [url_list(tmp_path, one, ".jsonl") for one in (text, other)]
    rows = [row for one in (*lists, UrlList(tmp_path / "urls.parquet")) for row in one]

    assert [row.carried for row in rows] == [
        '{"a": null, "b": [null, 0.5], "c": null}',
        '{"a": null, "b": [{"d": null}, 0.5], "c": null}',
        '{"a": null, "b": [null, 0.5]}',
    ]


@pytest.mark.parametrize(
    ("text", "columns", "said"),
    [
        ("a,b\n1,2\n", {}, r"no column that looks like URLs'\. It has 'a', 'b': name"),
        ("a,url\n1,2\n", {"url": "src"}, "no column 'src'. It has 'a', 'url'"),
        ("a,url\n1,2\n", {"name": "id"}, "no column 'id'"),
    ],
)
def test_a_column_that_is_missing_refuses_the_list(tmp_path, text, columns, said):
    with pytest.raises(UrlListError, match=said):
        url_list(tmp_path, text, ".csv", columns=Columns(**columns))


@pytest.mark.parametrize("kind", ["url", "name", "sha256"])
def test_of_json_lines_only_the_first_block_as_a_whole_must_have_it(tmp_path, kind):
    text = '{"url": "http://h/1"}\n{"url": "http://h/2", "id": "b"}\n'
    urls = url_list(tmp_path, text, ".jsonl", columns=Columns(name="id"))

    assert [item.destination for item in urls] == ["", "b"]
    with pytest.raises(UrlListError, match="no column 'ids'"):
        url_list(tmp_path, text, ".jsonl", columns=Columns(**{kind: "ids"}))


def test_bytes_of_another_encoding_are_read_as_latin_1_and_that_is_said(tmp_path):
    urls = url_list(
        tmp_path, b"url,caption\nhttp://h/1,caf\xe9 \x93ol\xe9\x94\n", ".csv"
    )

    assert told(urls)[0][3] == {"caption": "café “olé”"}
    assert urls.remarks()[0].endswith(
        "3 places are not UTF-8; they were read as Latin-1."
    )


def test_texts_of_parquet_that_are_not_utf_8_or_empty_cost_nothing_else(tmp_path):
    """
    pyarrow writes any bytes as text, and other programs do, too.
    """
    raw = pa.array([b"caf\xe9", b"", None])
    urls = pa.array([f"http://h/{n}".encode() for n in range(3)])
    large = raw.cast(pa.large_binary()).view(pa.large_string())
    columns = {"url": urls, "destination": raw, "a": raw.view(pa.string()), "b": large}
    pq.write_table(pa.table(columns), tmp_path / "urls.parquet")
    rows = list(UrlList(tmp_path / "urls.parquet"))

    assert [row.destination for row in rows] == ["café", "", ""]
    assert [row.columns for row in rows] == [
        {"a": text, "b": text} for text in ("café", "", None)
    ]


def test_several_files_make_one_list(tmp_path):
    for n in range(3):
        (tmp_path / f"part-{n}.txt").write_text(f"http://h/{n}\nhttp://h/same\n")
    urls = UrlList(tmp_path / "part-*.txt", tmp_path / "part-0.txt")

    assert len(urls) == 8
    assert [row for row, *_, outcome, _ in told(urls) if outcome == "duplicate"] == [
        *(4, 6, 7, 8)
    ]
    with pytest.raises(UrlListError, match=r"No file matches .*none-\*"):
        UrlList(tmp_path / "none-*")


@pytest.mark.parametrize(
    ("suffix", "header", "row"),
    [
        (".csv", "url,caption\n", "http://h/{},{}\n"),
        (".csv", "url,caption\n", 'http://h/{},"{}"\n'),
        (".txt", "", "http://h/{}\t\t{}\n"),
        (".jsonl", "", '{{"url": "http://h/{}", "caption": "{}"}}\n'),
    ],
)
def test_a_long_caption_is_whole_and_a_line_without_end_costs_itself(
    tmp_path, suffix, header, row
):
    sizes = 200_000, 2**21, 3
    lines = (row.format(n, size * "x") for n, size in enumerate(sizes))
    rows = told(url_list(tmp_path, header + "".join(lines), suffix))

    assert [outcome for *_, outcome, _ in rows] == ["ok", "bad_url", "ok"]
    assert [len("".join(rows[n][3].values())) for n in (0, 2)] == [200_000, 3]


def test_stdin_and_pipes_are_lists():
    code = "from fetcher.lists.url_list import UrlList; print(list(UrlList('-')))"
    command = [sys.executable, "-c", code]
    done = subprocess.run(
        command, input="http://h/1\n", capture_output=True, text=True, check=True
    )
    assert "url='http://h/1'" in done.stdout
    reads, writes = os.pipe()
    os.write(writes, b"http://h/2\n")
    os.close(writes)

    assert [one.url for one in UrlList(f"/dev/fd/{reads}")] == ["http://h/2"]
    os.close(reads)


# Long lists

MANY = 60_000


@pytest.fixture(scope="module", params=[".txt", ".csv", ".jsonl"])
def big(request, tmp_path_factory):
    """A list that is read on while it is used, and all of its items."""
    lines = {
        ".txt": [f"http://h/{n}/{'x' * 40}" for n in range(MANY)],
        ".csv": ["url,n", *(f"http://h/{n}?{'x' * 40},{n}" for n in range(MANY))],
        ".jsonl": [
            json.dumps({"url": f"http://h/{n}/{'x' * 40}"}) for n in range(MANY)
        ],
    }[request.param]
    folder = tmp_path_factory.mktemp("big")
    urls = url_list(folder, "\n".join(lines), request.param)
    assert urls.known_count is None
    assert urls.estimated_count == pytest.approx(MANY, rel=0.1)
    return urls, list(urls)


def test_a_long_list_is_numbered_throughout(big):
    urls, items = big

    assert [item.number for item in items] == list(range(MANY))
    assert urls.known_count == urls.estimated_count == MANY


SPANS = st.lists(
    st.tuples(st.integers(0, MANY + 99), st.integers(0, 2_000)), max_size=5
)


@given(spans=SPANS)
@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_spans_of_a_list_are_what_is_at_these_positions(big, spans):
    urls, items = big
    done = Positions()
    done.add(range(0, MANY, 3))
    expected = [one for first, many in spans for one in items[first : first + many]]

    assert list(urls.items_in(spans)) == expected
    assert list(urls.items_in(spans, done)) == [
        one for one in expected if one.number % 3
    ]


def test_a_process_of_its_own_reads_on_for_all_others(tmp_path):
    lines = [f"http://h/{n}/{'x' * 40}" for n in range(MANY)]
    lines[-1] = "nonsense"
    code = (
        "import os, sys, tracemalloc; from fetcher.lists.url_list import UrlList;"
        "tracemalloc.start();"
        "urls = UrlList(sys.argv[1]); assert urls.known_count is None;"
        "held, _ = tracemalloc.get_traced_memory();"
        "urls.hand_over();"
        "held -= tracemalloc.get_traced_memory()[0]; tracemalloc.stop();"
        "assert held > 400_000, held;"  # what was seen is the reader's
        "child = os.fork(); rows = list(urls);"
        "assert [one.number for one in rows] == list(range(len(rows)));"
        "child or os._exit(0); assert os.wait()[1] == 0 or os.wait()[1] == 0;"
        "print([len(rows), urls.known_count])\n"
        "print([len(urls.remarks()), 0])"
    )
    path = tmp_path / "urls.txt"
    path.write_text("\n".join(lines))
    done = run_alone(code, path)

    assert done == [[MANY, MANY], [1, 0]]


def test_memory_is_little_for_a_thousand_rows_and_for_a_hundred_thousand(tmp_path):
    code = (
        "import json, sys; from fetcher.lists.url_list import UrlList;"
        "from fetcher.process.memory import peak_rss_bytes as peak;"
        "counts = (sum(1 for _ in UrlList(one)) for one in sys.argv[1:]);"
        "[print(json.dumps([count, peak()])) for count in counts]"
    )
    paths = []
    for many in (1_000, 100_000):
        paths.append(tmp_path / f"{many}.txt")
        paths[-1].write_text("".join(f"http://h/{n}/{n}\n" for n in range(many)))
    (_, few), (_, most) = run_alone(code, *paths)

    assert most - few < 6_000_000


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.sampled_from([".txt", ".csv", ".tsv", ".jsonl", ".gz", ".parquet"]),
    st.binary(max_size=60)
    | st.lists(
        st.sampled_from(
            [*b'http://h/ url destination { } [ " : , \\u'.split(), b"\xef\xbb\xbf"]
            + [bytes([one]) for one in b"1 \0\t\r\n\xff#"]
        ),
        max_size=30,
    ).map(b"".join),
)
def test_arbitrary_bytes_are_a_list_or_refused(tmp_path, suffix, data):
    try:
        urls = url_list(tmp_path, data, suffix)
    except UrlListError:
        return
    rows = list(urls.blocks([(0, ENDLESS)]))
    items = [item for block in rows for item in block.items()]

    assert [item.number for item in items] == list(range(len(urls)))
    assert all(isinstance(item.columns, dict) for item in items)
