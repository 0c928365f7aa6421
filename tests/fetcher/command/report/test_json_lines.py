"""The report's lines: JSON that says what became of each URL."""

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fetcher.command.report.json_lines import BEGINNING, fields_of, line_of
from fetcher.contract.download_results import Download
from fetcher.contract.outcome import Outcome
from fetcher.contract.source import Item

TEXT = st.text(st.characters(), max_size=20)
SECONDS = st.floats(0, 1e9, allow_nan=False)


@given(
    TEXT,
    st.sampled_from(Outcome),
    st.integers(0, 999),
    st.integers(0, 10**12),
    SECONDS,
    st.integers(0, 9),
    TEXT,
    TEXT,
)
@example("", Outcome.OK, 200, 9, 0.1234565, 1, 'a"b\\c\n', "\ud800 \x00 é")
def test_a_line_is_the_json_that_it_stands_for(
    url, outcome, status, size, seconds, attempts, path, detail
):
    """
    Lines are put together by hand, because that takes a fifth of the time.
    """
    types = "image/png; q=\x01", "image/png"
    seen = Download(outcome, status, size, *types, height=7, detail=detail, path=path)
    download = seen._replace(seconds=seconds, attempts=attempts)
    columns = '{"caption": "\\u00fc", "url": "a"}'
    line = line_of(Item(0, f"http://h/{url}", carried=columns), download)

    assert line.endswith("}\n")
    assert line.isascii()
    assert list(json.loads(line).items()) == [
        ("row", 1),
        ("url", f"http://h/{url}"),
        ("outcome", str(outcome)),
        ("status", status),
        ("detail", detail),
        ("path", path),
        ("bytes", size),
        ("sha256", ""),
        ("content_type", "image/png; q=\x01"),
        ("found_type", "image/png"),
        ("width", None),
        ("height", 7),
        ("seconds", round(seconds, 6)),
        ("attempts", attempts),
        ("caption", "ü"),
        ("list_url", "a"),
    ]
    assert fields_of(line.encode()) == json.loads(line)
    assert line.encode().startswith(BEGINNING)


def test_a_line_of_a_version_before_rows_and_types_were_reported_is_read():
    fields = json.loads(line_of(Item(0, "http://h/1"), Download(Outcome.OK)))
    for name in ("row", "sha256", "content_type", "found_type", "width", "height"):
        del fields[name]

    assert fields_of(json.dumps(fields).encode()) == fields


def test_no_secret_is_reported_and_the_rest_of_its_url_is():
    url = "http://u:hunter2@h/1?n=1&sig=hunter2&m=2"
    shown = "http://***@h/1?n=1&sig=***&m=2"
    carried = json.dumps({"thumb": url, "more": [{"at": url}], "n": 1.5})
    fields = json.loads(line_of(Item(0, url, carried=carried), Download(Outcome.OK)))

    assert fields["url"] == fields["thumb"] == shown
    assert (fields["more"], fields["n"]) == ([{"at": shown}], 1.5)


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"{",
        b"[1]",
        b"{}",
        b'{"url": "http://h/1"}',
        b"\xff",
        b"[" * 50_000,
        line_of(Item(0, ""), Download(Outcome.OK)).encode()[:-2],
        line_of(Item(0, ""), Download(Outcome.OK)).replace('""', "7").encode(),
    ],
)
def test_what_is_no_line_of_a_report_is_none(line):
    assert fields_of(line) is None
