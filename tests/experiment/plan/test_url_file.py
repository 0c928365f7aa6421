"""A list read as it goes: every line has its number, wherever reading begins."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from experiment.ledger.fingerprint import fingerprint
from experiment.ledger.number_set import ENDLESS
from experiment.parameters.cell import SettingsError
from experiment.plan.url_file import CHECKED_FIRST_BYTES, UrlFile
from experiment.tables.outcomes import OutcomeBlock
from experiment.tables.table import Names, downloads_table
from fetcher.contract.outcome import ORDER, Outcome
from fetcher.lists.url_list import UrlListError
from fetcher.security.guard import BadUrlError, check_url

MANY = 120_000
WHOLE = [(0, ENDLESS)]


def written(path, lines):
    path.write_text("".join(f"{line}\n" for line in lines))
    return UrlFile(path)


def read(file, spans=WHOLE):
    """Numbers and URLs of some spans."""
    return [
        (lines.first + place, url)
        for lines in file.lines(spans)
        for place, url in enumerate(lines.urls)
    ]


@pytest.fixture(scope="module")
def long(tmp_path_factory):
    """A list too long to be checked first."""
    path = tmp_path_factory.mktemp("listed") / "urls.txt"
    lines = [f"http://host/{number}/{'x' * 30}" for number in range(MANY)]
    written(path, lines)
    assert path.stat().st_size > CHECKED_FIRST_BYTES
    return path


SPANS = st.lists(st.integers(0, MANY + 2_000), max_size=8, unique=True).map(sorted)


@settings(max_examples=25)
@given(SPANS)
def test_any_spans_of_a_list_are_read_by_their_numbers(long, ends):
    spans = [(a, b - a) for a, b in zip(ends[::2], ends[1::2], strict=False)]
    file = UrlFile(long)
    for _ in range(2):  # where blocks are is known the second time
        found = read(file, spans)

        assert [number for number, _ in found] == [
            n for a, many in spans for n in range(a, min(a + many, MANY))
        ]
        assert all(url.split("/")[3] == str(number) for number, url in found)


def test_how_long_a_list_is_shows_at_its_end(long):
    file = UrlFile(long)

    assert file.known_count is None
    assert file.estimated_count == pytest.approx(MANY, rel=0.1)
    read(file, [(0, 10)])
    assert file.known_count is None
    assert file.exact_count() == file.known_count == file.estimated_count == MANY


def test_a_short_list_is_checked_first_and_its_length_known(tmp_path):
    assert written(tmp_path / "a.txt", ["http://h/1", "http://h/2"]).known_count == 2
    with pytest.raises(UrlListError, match="line 2: repeats the URL of line 1"):
        written(tmp_path / "b.txt", ["http://h/1", "http://h/1"])
    with pytest.raises(SettingsError, match="holds a user name or password"):
        written(tmp_path / "c.txt", ["http://h/1", "http://me:pw@h/2"])


def is_bad(url):
    try:
        check_url(url)
    except BadUrlError:
        return True
    return False


BAD = ["", "   ", "not a URL", "ftp://h/x", "http://h/\udcff", "http://me:pw@h/x"]


@pytest.mark.parametrize("bad", BAD)
def test_a_line_of_a_long_list_that_is_no_url_has_a_number_too(tmp_path, bad):
    """
    After hours nothing is refused for one line: it ends `bad_url`, and can be found.
    """
    lines = [f"http://host/{number}/{'x' * 30}" for number in range(MANY)]
    lines[50_000] = bad
    path = tmp_path / "urls.txt"
    path.write_bytes("\n".join(lines).encode(errors="surrogateescape"))
    found = read(UrlFile(path))

    assert [number for number, _ in found] == list(range(MANY))
    assert found[50_001][1] == lines[50_001]
    url = found[50_000][1]
    assert is_bad(url)
    assert "pw" not in url


@pytest.mark.parametrize("name", ["urls.csv", "urls.jsonl"])
def test_every_format_tells_destinations_digests_and_sizes(tmp_path, name):
    """
    The header of a .csv is no line of the list.
    """
    rows = [
        {
            "url": f"http://host/{number}",
            "destination": f"a/{number}",
            "sha256": f"{number:064x}",
            "bytes": number,
        }
        for number in range(MANY // 2)
    ]
    path = tmp_path / name
    if name.endswith("csv"):
        lines = [",".join(rows[0]), *(",".join(map(str, row.values())) for row in rows)]
    else:
        lines = [json.dumps(row) for row in rows]
    lines[7_000] = '{"url": 5}'
    file = written(path, lines)
    got = [one for lines in file.lines(WHOLE) for one in zip(*lines[1:5], strict=True)]
    bad = 6_999 if name.endswith("csv") else 7_000

    assert file.tells_sizes
    assert len(got) == file.known_count == len(rows)
    assert got[bad][0].startswith("line 7001: {")
    assert [one for place, one in enumerate(got) if place != bad] == [
        tuple(row.values()) for place, row in enumerate(rows) if place != bad
    ]


@pytest.mark.parametrize(
    "bad",
    [
        r'{"url": "http://a\udc80b/x"}',
        r'{"url": "http://h/x\ud800"}',
        r'{"url": "http://h/x", "destination": "a\udc80"}',
    ],
)
def test_half_a_surrogate_pair_is_no_url_and_can_be_put_into_tables(tmp_path, bad):
    """
    JSON can spell it, and UTF-8 cannot: the row shows the line as it stands there.
    """
    lines = [json.dumps({"url": f"http://h/{n}/{'x' * 30}"}) for n in range(MANY)]
    lines[50_000] = bad
    file = written(tmp_path / "urls.jsonl", lines)
    piece = OutcomeBlock(49_999, 50_002)
    piece.details = np.array(["", "it holds \ud800", "é"], object)

    assert file.known_count is None
    table = downloads_table(piece, file, Names("a run", "local", 10))
    urls = table["url"].to_pylist()
    assert urls[1] == f"line 50001: {bad}"
    assert is_bad(urls[1])
    assert urls[::2] == [f"http://h/{n}/{'x' * 30}" for n in (49_999, 50_001)]
    assert table["detail"].to_pylist() == ["", r"it holds \ud800", "é"]


def test_executions_get_a_token_that_tables_do_not_show(tmp_path):
    """
    No run folder holds such a URL: who continues the run reads the list again.
    """
    listed = ["http://h/1?n=1&sig=hunter2", "http://h/2?u=http://me:hunter2@h"]
    file = written(tmp_path / "a.txt", listed)
    table = downloads_table(OutcomeBlock(0, 2), file, Names("a run", "local", 10))

    assert [url for lines in file.lines([(0, 2)]) for url in lines.urls] == listed
    assert table["url"].to_pylist() == [
        "http://h/1?n=1&sig=***",
        "http://h/2?u=http://***@h",
    ]


@pytest.mark.parametrize(
    ("name", "bad", "why"),
    [
        ("a.txt", "", "is blank; remove it"),
        ("a.txt", "http://h/\udcff", "is not UTF-8: invalid start byte at byte 10"),
        ("a.txt", "http://me:pw@h/x", "The URL holds a user name or password."),
        ("a.csv", "http://h/x,y,z", "has 3 fields; the header has 2"),
        ("a.csv", ",y", "names no URL"),
        ("a.csv", "http://h/?sig=hunter2,y,z", "has 3 fields; the header has 2"),
        ("a.jsonl", "[]", "is not a JSON object: list"),
        ("a.jsonl", '{"url": 5}', "url is a int; it must be text"),
        (
            "a.jsonl",
            r'{"url": "\ud800"}',
            "url holds half a surrogate pair, which UTF-8",
        ),
    ],
)
def test_of_a_bad_line_of_a_long_list_the_table_says_what_is_wrong(
    tmp_path, monkeypatch, name, bad, why
):
    monkeypatch.setattr("experiment.plan.url_file.CHECKED_FIRST_BYTES", 0)
    right = {"a.csv": "http://h/1,1", "a.jsonl": '{"url": "http://h/1"}'}
    lines = [right.get(name, "http://h/1"), bad, right.get(name, "http://h/2")]
    header = ["url,destination"] if name == "a.csv" else []
    path = tmp_path / name
    path.write_text("\n".join([*header, *lines, ""]), errors="surrogateescape")
    piece = OutcomeBlock(0, 3)
    piece.columns["outcome"][1:] = ORDER.index(Outcome.BAD_URL)
    piece.details = np.array(["", "what the worker says", "its own"], object)
    table = downloads_table(piece, UrlFile(path), Names("a run", "local", 10))

    first, second, third = table["detail"].to_pylist()
    assert (first, third) == ("", "its own")
    assert second.startswith(why)


def test_a_long_file_that_begins_without_urls_is_refused(tmp_path):
    with pytest.raises(UrlListError, match=r"holds no URL in its first [\d,]+ lines"):
        written(tmp_path / "urls.csv", ["a,b"] * CHECKED_FIRST_BYTES)


def test_a_list_that_changes_meanwhile_is_noticed(tmp_path, long):
    path = tmp_path / "urls.txt"
    path.write_bytes(long.read_bytes())
    file = UrlFile(path)
    before = fingerprint(path)
    with path.open("a") as end:
        end.write("http://h/more\n")

    with pytest.raises(UrlListError, match="changed while its URLs were fetched"):
        read(file)
    assert fingerprint(path) != before


def test_objects_in_s3_are_listed_where_that_is_allowed(tmp_path):
    path = tmp_path / "urls.txt"
    path.write_text("s3://photos/1 @#?.jpg\nhttp://h/2\n")

    (lines,) = UrlFile(path, allow_s3=True).lines([(0, 2)])
    assert list(lines.urls) == ["s3://photos/1 @#?.jpg", "http://h/2"]
    with pytest.raises(UrlListError, match="line 1: s3:// is for runs on Lambda that"):
        UrlFile(path)
