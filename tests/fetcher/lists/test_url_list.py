"""Lists of every format: rows in their order, read once, in little memory."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.support.engine_jobs import run_alone
from tests.support.url_lists import PACKED, told, url_list

from fetcher.contract.carried_columns import carried_fields
from fetcher.contract.source import Item
from fetcher.lists.position_set import Positions
from fetcher.lists.url_list import ENDLESS, Columns, UrlList, UrlListError

SHA = "a" * 64
JSON_ROW = '{"url":"http://h/2","destination":"b/c.jpg"}'
SAME_ITEMS = [
    (".txt", "http://h/1\nhttp://h/2\tb/c.jpg\n"),
    (".txt", "\ufeff# mine\r\n\r\nhttp://h/1\r\n\ufeff  http://h/2\tb/c.jpg "),
    (".txt", "http://h/1\rhttp://h/2\tb/c.jpg"),
    (".txt", "destination\turl\n\thttp://h/1\nb/c.jpg\thttp://h/2\n"),
    (".TSV", "url\tdestination\nhttp://h/1\t\nhttp://h/2\tb/c.jpg\n"),
    (".csv", "url,destination\nhttp://h/1,\n\nhttp://h/2,b/c.jpg\n"),
    (".csv", "url,destination\rhttp://h/1,\r\rhttp://h/2,b/c.jpg\r"),
    (".csv", '\ufeffdestination;URL\r\n;http://h/1\r\n"b/c.jpg";"http://h/2"'),
    (".jsonl", f'{{"url":"http://h/1"}}\n{JSON_ROW}'),
    ("", f'{{"url":"http://h/1","destination":null}}\n\n {JSON_ROW}'),
]


@pytest.mark.parametrize(("suffix", "text"), SAME_ITEMS)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-16-le"])
def test_each_format_gives_the_same_items(tmp_path, suffix, text, encoding):
    if encoding != "utf-8":
        text = text.removeprefix("\ufeff")
    urls = url_list(tmp_path, text.encode(encoding), suffix)

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
    named = Columns(url="Image_URL", name="id")
    (found,) = url_list(tmp_path, text, ".csv")
    (other,) = url_list(tmp_path, text, ".csv", columns=named)
    caption = {"caption": 'a "cat",\non a mat', "width": "640"}

    assert (found.url, found.columns) == ("http://h/1", {"id": "1", **caption})
    assert (other.destination, other.columns) == ("1", caption)


@pytest.mark.parametrize(
    ("text", "suffix", "columns", "said"),
    [
        ("a,b\n1,2\n", ".csv", {}, r"no column .* URLs'\. It has 'a', 'b': name"),
        ("a,url\n1,2\n", ".csv", {"url": "src"}, "no column 'src'. It has 'a', 'url'"),
        ("a,url\n1,2\n", ".csv", {"name": "id"}, "no column 'id'"),
        *(
            ('{"url": "u"}\n{"b": 1}\n', ".jsonl", {kind: "c"}, "no column 'c'. .*'b'")
            for kind in ("url", "name", "sha256")
        ),
    ],
)
def test_a_column_that_is_missing_refuses_the_list(
    tmp_path, text, suffix, columns, said
):
    with pytest.raises(UrlListError, match=said):
        url_list(tmp_path, text, suffix, columns=Columns(**columns))


@pytest.mark.parametrize(
    ("line", "why"),
    [('{"url": "u"} x', "Extra data"), ("[1]", "list"), ("{", "Expecting property")],
)
def test_a_line_that_is_no_json_object_costs_only_itself(tmp_path, line, why):
    good = '{"url": "http://h/1"}'
    first, bad = url_list(tmp_path, f"{good}\n{line}\n", ".jsonl")

    assert first == Item(0, "http://h/1")
    assert bad.refusal.startswith(f"bad_url: is not a JSON object: {why}")


def test_not_every_json_line_must_have_a_column_that_was_named(tmp_path):
    text = '{"url": "http://h/1"}\n{"url": "http://h/2", "id": "b"}\n'
    urls = url_list(tmp_path, text, ".jsonl", columns=Columns(name="id"))

    assert [item.destination for item in urls] == ["", "b"]


@pytest.mark.parametrize("header", ["# a licence\n" * 2_000, "x" * 9_000 + ","])
def test_a_header_may_be_long_and_below_a_long_comment(tmp_path, header):
    text = f"{header}url,a\n{',' * header.count(',')}http://h/1,b\n"
    (row,) = url_list(tmp_path, text)

    assert (row.url, row.columns["a"]) == ("http://h/1", "b")


def test_what_python_reads_and_json_has_not_is_carried_along_as_null(tmp_path):
    told = '"a": NaN, "b": [-Infinity, {"d": 1e999}, 0.5], "c": -1e999'
    (row,) = url_list(tmp_path, f'{{"url": "http://h/1", {told}}}', ".jsonl")

    assert row.carried == '{"a": null, "b": [null, {"d": null}, 0.5], "c": null}'


@pytest.mark.parametrize("levels", [101, 900, 50_000])
@pytest.mark.parametrize("inner", ['"http://me:secret@h/"', "1e999"])
def test_a_row_nested_too_deeply_costs_only_itself(tmp_path, levels, inner):
    """
    What reads, masks or writes it down has a limit on that, and Python's is near.
    """
    deep = f"{'[' * levels}{inner}{']' * levels}"
    lines = [
        f'{{"url": "http://h/1", "a": {deep[levels - 100 : 100 - levels]}}}',
        f'{{"url": "http://h/2", "a": {deep}}}',
        f'{{"url": {deep}}}',
        f'{{"url": "http://h/4", "destination": {deep}}}',
        f'{{"url": "http://h/5", "sha256": {deep}}}',
        *(f'{{"url": "http://h/{n}"}}' for n in range(6, 10)),
    ]
    rows = list(url_list(tmp_path, "\n".join(lines), ".jsonl"))
    refused = [row.row for row in rows if row.refusal]

    assert refused in ([2, 3, 5], [2, 3, 4, 5])
    assert all(row.refusal.startswith("bad_url: ") for row in rows if row.refusal)
    assert rows[1].refusal.endswith("is nested deeper than 100 levels")
    assert len(rows[0].carried) > 200
    assert "secret" not in carried_fields(rows[0])


def test_several_files_make_one_list(tmp_path):
    for n in range(3):
        (tmp_path / f"part-{n}.txt").write_text(f"http://h/{n}\nhttp://h/same\n")
    rows = told(UrlList(tmp_path / "part-*.txt", tmp_path / "part-0.txt"))

    assert [row[2] == "duplicate" for row in rows] == [*(0, 0, 0, 1, 0, 1, 1, 1)]


@pytest.mark.parametrize("header", ["url", '"url"', "\ufeffURL"])
def test_a_list_of_one_column_has_a_header_whatever_it_is_called(tmp_path, header):
    text = f"{header}\nhttp://h/1,5\n"
    for columns in (Columns(), Columns(url=header.strip('\ufeff"'))):
        (row,) = url_list(tmp_path, text, ".txt", columns=columns)
        assert row.url == "http://h/1,5"


def test_bytes_of_another_encoding_are_read_as_latin_1_and_that_is_said(tmp_path):
    urls = url_list(
        tmp_path, b"url,caption\nhttp://h/1,caf\xe9 \x93ol\xe9\x94\n", ".csv"
    )

    assert told(urls)[0][3] == {"caption": "café “olé”"}
    assert urls.remarks()[0].endswith(
        "3 places are not UTF-8; they were read as Latin-1."
    )


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
    long, endless, short = url_list(tmp_path, header + "".join(lines), suffix)

    assert "a line of a list has at most 1048576 char" in endless.refusal
    assert not long.refusal + short.refusal
    lengths = [len("".join(row.columns.values())) for row in (long, short)]
    assert lengths == [200_000, 3]


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
    items = list(urls)
    assert [item.number for item in items] == list(range(MANY))
    assert urls.known_count == urls.estimated_count == MANY
    return urls, items


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
