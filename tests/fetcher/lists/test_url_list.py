"""Lists that people write: used whole or refused with the lines to mend."""

import json
import os
from functools import partial

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.support.url_lists import url_list

from fetcher.contract.source import Item
from fetcher.lists.name_clashes import Repeats
from fetcher.lists.url_list import UrlList, UrlListError

SHA = "a" * 64


@pytest.fixture
def listed(tmp_path):
    return partial(url_list, tmp_path)


JSON_ROW = '{"url":"http://h/2","destination":"b/c.jpg"}'
SAME_ITEMS = [
    (".txt", "http://h/1\nhttp://h/2\tb/c.jpg\n"),
    (".txt", "\ufeffhttp://h/1\r\nhttp://h/2\tb/c.jpg"),
    (".TSV", "http://h/1\nhttp://h/2\tb/c.jpg\n"),
    (".csv", "url,destination\nhttp://h/1,\nhttp://h/2,b/c.jpg\n"),
    (".csv", '\ufeffdestination,n,url\r\n,1,http://h/1\r\n"b/c.jpg",2,"http://h/2"'),
    (".jsonl", f'{{"url":"http://h/1"}}\n{JSON_ROW}'),
    (".jsonl", f'{{"url":"http://h/1","destination":null, "n": 1}}\n {JSON_ROW}'),
]


@pytest.mark.parametrize(("suffix", "text"), SAME_ITEMS)
def test_each_format_gives_the_same_items(listed, suffix, text):
    urls = listed(text, suffix)

    assert list(urls) == [Item(0, "http://h/1"), Item(1, "http://h/2", "b/c.jpg")]
    assert list(urls) == list(urls)
    assert len(urls) == 2


@pytest.mark.parametrize(
    ("suffix", "text"),
    [
        (".csv", f"url,sha256\nhttp://h/1,{SHA}"),
        (".jsonl", json.dumps({"url": "http://h/1", "sha256": SHA})),
    ],
)
def test_digests_are_read(listed, suffix, text):
    assert list(listed(text, suffix)) == [Item(0, "http://h/1", "", SHA)]


ONE = "http://h/1\n"
SAME_NAME = "line 2: would be stored under the same name"
BAD_LINES = {
    ".txt": [
        ("", "line 1: there are no URLs"),
        (f"{ONE}\nhttp://h/2\n", "line 2: is blank"),
        (f"{ONE} \t \n", "line 2: is blank"),
        (f"{ONE}http://h/2\n{ONE}", "line 3: repeats the URL of line 1"),
        ("http://h/1\thttp\nhttp://h/2\thttp", f"{SAME_NAME} as line 1: http"),
        (f"{ONE}https://h/1", SAME_NAME),
        (f"{ONE}http://h/2\th/1", SAME_NAME),
        (f"{ONE}ftp://h/2", "line 2: The scheme is 'ftp'"),
        (f"{ONE}# note", "line 2: The URL holds a space"),
        ("http://h/1 ", "line 1: The URL holds a space"),
        ("http://h/1\rhttp://h/2", "line 1: The URL holds a space or a control"),
        ("http://h/" + "a" * 100_000, "line 1: is 100,009 bytes long"),
        (b"http://h/1\nhttp://h/\xe9", "line 2: is not UTF-8"),
        ("http://h/1".encode("utf-16"), "line 1: is not UTF-8"),
    ],
    ".csv": [
        ("", "line 1: there are no URLs"),
        ("url\n", "line 1: there are no URLs"),
        ("http://u:hunter2@h/1\nhttp://h/2", "line 1: names no column url"),
        (f"a,b\n{ONE * 9_000}", "1 problem; nothing was fetched.\n  line 1: names no"),
        ("url,n\nhttp://h/1", "line 2: has 1 fields; the header has 2"),
        ('url,n\nhttp://h/1,"a\nb"', "line 2: is not CSV: unexpected end"),
        ("url,n\nhttp://h/1,a\rb\n", "line 2: is not CSV"),
        ("url,n\n,1", "line 2: The scheme is ''"),
        ("url,sha256\nhttp://h/1,abc", "line 2: sha256 is 'abc'; it must be 64 hex"),
    ],
    ".jsonl": [
        ("{", "line 1: is not a JSON object: Expecting"),
        ('"http://u:hunter2@h/"', "line 1: is not a JSON object: str"),
        ("[" * 50_000, "line 1: is not a JSON object: "),
        ("{}", "line 1: The scheme is ''"),
        ('{"url": 7}', "line 1: url is a int; it must be text"),
        ('{"url": "http://h", "destination": 0}', "line 1: destination is a int"),
        ('{"url": "http://h/\\ud800"}', "line 1: The URL holds"),
    ],
}


@pytest.mark.parametrize(
    ("suffix", "text", "said"),
    [(suffix, *case) for suffix, cases in BAD_LINES.items() for case in cases],
)
def test_a_bad_line_is_named_with_what_is_wrong(listed, suffix, text, said):
    with pytest.raises(UrlListError) as refusal:
        listed(text, suffix)

    assert said in str(refusal.value)
    assert "nothing was fetched" in str(refusal.value)
    assert "hunter2" not in str(refusal.value)


def test_all_problems_are_counted_and_the_first_ten_named(listed):
    with pytest.raises(UrlListError) as refusal:
        listed("nonsense\n" * 25)
    first, *named, last = str(refusal.value).splitlines()

    assert "25 problems" in first
    assert [f"  line {n}: The scheme is ''" in line for n, line in enumerate(named, 1)]
    assert len(named) == 10
    assert last == "  ... and 15 more"


@pytest.mark.parametrize("extra", [-1, 0, 1])
def test_a_line_near_the_longest_does_not_swallow_the_next(listed, extra):
    long = "x" * (65_536 + extra)

    with pytest.raises(UrlListError, match="line 2: The scheme is 'ftp'"):
        listed(f"{long}\nftp://h/\n")


def test_a_pipe_is_refused_because_it_can_be_read_only_once(tmp_path):
    os.mkfifo(tmp_path / "urls")

    with pytest.raises(UrlListError, match="is not a file; the list is read twice"):
        UrlList(tmp_path / "urls")


def test_a_missing_file_is_an_error_of_the_system(tmp_path):
    with pytest.raises(FileNotFoundError):
        UrlList(tmp_path / "urls.txt")


def test_a_list_that_shrinks_while_it_is_fetched_is_noticed(listed, tmp_path):
    urls = listed("http://h/1\nhttp://h/2\n")
    (tmp_path / "urls.txt").write_text("http://h/1\n")

    with pytest.raises(UrlListError, match="changed while its URLs were fetched"):
        list(urls)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.sampled_from([".txt", ".csv", ".jsonl"]),
    st.binary(max_size=60)
    | st.lists(
        st.sampled_from(
            [*b'http://h/ url destination { } [ " : , \\u'.split(), b"\xef\xbb\xbf"]
            + [bytes([one]) for one in b"1 \0\t\r\n\xff"]
        ),
        max_size=30,
    ).map(b"".join),
)
def test_arbitrary_bytes_are_a_list_or_refused_line_by_line(listed, suffix, data):
    try:
        urls = listed(data, suffix)
    except UrlListError as refusal:
        assert "\n  line " in str(refusal)  # noqa: PT017 - either way is right
    else:
        assert [item.number for item in urls] == list(range(len(urls)))
        assert len(urls) > 0


@pytest.mark.parametrize("lines", [["h/docs", "h/docs/x"], ["h/docs/x/y", "h/docs"]])
def test_a_name_that_is_a_file_and_a_folder_is_refused(tmp_path, lines):
    """
    Else which of the two is kept would depend on which came first.
    """
    path = tmp_path / "urls.txt"
    path.write_text("".join(f"http://{line}\n" for line in lines))

    with pytest.raises(UrlListError, match=r"line 2: .* line 1 makes impossible"):
        UrlList(path)


LINES = st.lists(
    st.tuples(
        st.sampled_from(["http://h/", "https://h/", "http://h:80/", "ftp://h/"]),
        st.sampled_from(["1", "2", "a", "a/b", "a/b/c", "?q", "%20", "", "h/1"]),
        st.sampled_from(["", "", "", "\th/1", "\ta/b", "\t../x", "\t"]),
        st.sampled_from(["\n", "\n", "\n", "\r\n", "\n\n"]),
    ).map("".join),
    min_size=1,
    max_size=9,
)


def problems_found_one_by_one(text):
    """Say what is wrong with a list, as if each line were looked at by itself."""
    seen, found = Everything(), []
    for number, line in enumerate(text.split("\n")[:-1], 1):
        url, _, destination = line.rstrip("\r").partition("\t")
        item = Item(0, url, destination)
        if not line:
            found.append((number, "is blank; remove it"))
        elif url.startswith("ftp"):
            found.append((number, "The scheme is 'ftp'; only http and https are fetch"))
        elif wrong := seen.check(item, number):
            found.append((number, wrong))
    return found


class Everything(Repeats):
    """Takes note of every line, not only of those that may clash."""

    def __init__(self):
        super().__init__(self)

    def isdisjoint(self, _):
        return False


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(LINES.map("".join))
def test_reading_by_the_block_finds_what_reading_by_the_line_would(listed, text):
    """
    The quick ways through a list must not miss, add or move a problem.
    """
    expected = problems_found_one_by_one(text)
    try:
        urls = listed(text)
    except UrlListError as refusal:
        first, *named = str(refusal).splitlines()
        shown = [f"  line {number}: {wrong}" for number, wrong in expected[:10]]
        assert f": {len(expected)} problem" in first
        assert all(map(str.startswith, named, shown))
    else:
        assert expected == []
        lines = text.replace("\r", "").split("\n")[:-1]
        assert [item.url for item in urls] == [line.split("\t")[0] for line in lines]
