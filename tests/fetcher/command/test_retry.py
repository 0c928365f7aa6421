"""What a second run tries again: rows in are rows out, whatever is left of a report."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.support.misbehaving_origin import Origin
from tests.support.url_lists import url_list

from fetcher.__main__ import main
from fetcher.command.report.file import ReportFile
from fetcher.command.report.json_lines import line_of
from fetcher.command.resume import ALL, FAILED, HEALABLE, NONE, RETRIES, keep
from fetcher.contract.download_results import Download
from fetcher.contract.outcome import Outcome
from fetcher.sinks.directory import Directory

# Paths of a list, how each ends, and what tries it again.
ROWS = [
    ("/bytes/1", "ok", {ALL}),
    ("/bytes/2", "ok", {ALL}),
    ("/status/404", "http_status", {FAILED, ALL}),
    ("/status/503", "http_status", {HEALABLE, FAILED, ALL}),
    ("/cut/9/1", "cut", {HEALABLE, FAILED, ALL}),
    ("/bytes/1", "duplicate", set()),
    ("", "bad_url", set()),
]


@pytest.fixture(scope="module")
def listed(tmp_path_factory):
    """A folder with a list and the report of a first run; the origin; a command."""
    folder = tmp_path_factory.mktemp("retried")
    with Origin() as origin:
        lines = [origin.url(path) if path else "no URL" for path, *_ in ROWS]
        (folder / "urls.txt").write_text("\n".join(lines))

        def run(*options):
            words = [folder / "urls.txt", "--to", folder / "out", "--attempts", "1"]
            words += ["--report", folder / "report.jsonl", "--processes", "1"]
            main([*map(str, words), "--allow-private", *options])
            told = (folder / "report.jsonl").read_text().splitlines()
            return sorted(map(json.loads, told), key=lambda one: one["row"])

        run()
        yield folder, origin, run, (folder / "report.jsonl").read_bytes()


@pytest.mark.parametrize("retry", RETRIES)
def test_what_may_heal_is_tried_again_unless_something_else_is_wanted(listed, retry):
    folder, origin, run, report = listed
    (folder / "report.jsonl").write_bytes(report)
    before = len(origin.requests)
    told = run("--retry", retry)
    asked = {one.path for one in origin.requests[before:]}

    assert [one["outcome"] for one in told] == [outcome for _, outcome, _ in ROWS]
    assert asked == {path for path, _, again in ROWS if retry in again}


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from([HEALABLE, FAILED, NONE]), st.integers(0, 3_000))
def test_rows_in_are_rows_out_wherever_a_kill_has_cut_the_report(listed, retry, cut):
    folder, _, run, report = listed
    (folder / "report.jsonl").write_bytes(report[:cut])
    told = run("--retry", retry)

    assert [one["row"] for one in told] == list(range(1, len(ROWS) + 1))
    assert [one["outcome"] for one in told] == [outcome for _, outcome, _ in ROWS]


# How URLs ended: outcome, status, detail, and the query of the URL.
MAY_COME = [
    *((one, 200, "", "") for one in set(Outcome) - {"ok", "dns", "wrong_type"}),
    (Outcome.DNS, 0, "h: try again", ""),
    (Outcome.HTTP_STATUS, 403, "", ""),
    (Outcome.HTTP_STATUS, 404, "", "?sig=1"),
    (Outcome.WRONG_TYPE, 200, "", "?sig=1"),
]
HOPELESS = [
    *((Outcome.HTTP_STATUS, status, "", "") for status in (404, 410)),
    (Outcome.DNS, 0, "h: no such name", ""),
    (Outcome.WRONG_TYPE, 200, "", ""),
]


@pytest.mark.parametrize(("ends", "kept"), [(MAY_COME, 0), (HOPELESS, len(HOPELESS))])
def test_only_what_has_nothing_to_hope_for_is_not_tried_again(tmp_path, ends, kept):
    text = "".join(f"http://h/{n}{query}\n" for n, (*_, query) in enumerate(ends))
    urls = url_list(tmp_path, text)
    lines = [
        line_of(item, Download(outcome, status, detail=detail))
        for item, (outcome, status, detail, _) in zip(urls, ends, strict=True)
    ]
    (tmp_path / "report.jsonl").write_text("".join(lines))
    with ReportFile(tmp_path / "report.jsonl") as report:
        found, _ = keep(report, urls, Directory(tmp_path / "out"))

    assert len(found) == kept
