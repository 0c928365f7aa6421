"""An earlier report that is torn, linked, or no report: what stands in it stays."""

import gzip
import json
from contextlib import closing

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.support.earlier_run import ITEMS, EarlierRun

from fetcher.command.report import file as report_file
from fetcher.command.report.file import ReportFile
from fetcher.command.resume import ALL, HEALABLE, keep
from fetcher.lists.url_list import UrlList, UrlListError
from fetcher.sinks.tars.local import LocalTars

TORN = (1, 5, 40, -2)  # where a line ends whose writer was killed


@pytest.fixture
def run(tmp_path):
    """A list of a few URLs, all of them downloaded; and what to change about it."""
    return EarlierRun(tmp_path)


def test_a_beginning_of_a_line_alone_is_a_torn_report(run):
    run.report.write_text('{"url": "http')

    assert run.keep() == []


OTHERS = ["my notes", "{}\n", "\n", '{"url": "http://h/1"}\n', "x" * 2_000_000]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        *((lambda _, text=text: text, 1) for text in OTHERS),
        *((lambda _, text=text: text + "\0" * 9, 1) for text in OTHERS[:2]),
        (lambda own: "".join([*own[:2], "oh\n", *own[2:]]), 3),
        (lambda own: f"{own[0]}\0\0{own[1]}", 2),
    ],
)
def test_a_file_that_is_no_report_is_refused_and_left_alone(run, text, line):
    run.report.write_text(text(run.lines))
    before = run.report.read_bytes()

    with pytest.raises(ValueError, match=f"its line {line} is not one of a report"):
        run.keep()
    assert run.report.read_bytes() == before


def test_a_crash_while_the_report_is_cut_down_leaves_it_as_it_was(run, monkeypatch):
    def crash(_):
        raise OSError(28, "disk full")

    before = run.report.read_bytes()
    monkeypatch.setattr(report_file.os, "fsync", crash)
    run.path(1).unlink()
    with pytest.raises(OSError, match="disk full"):
        run.keep()

    assert run.report.read_bytes() == before
    assert not run.report.with_name("report.jsonl.part").exists()


@pytest.mark.parametrize("zeros", [1, 4_096, 3_000_000])
@pytest.mark.parametrize("left", [0, 1, 40, -2])
def test_zeros_in_the_end_are_dropped_as_a_torn_line_is(run, left, zeros):
    """
    When the power fails, a file may be longer already than what was written to it.
    """
    text = "".join(run.lines[:3]) + run.lines[3][:left]
    run.report.write_bytes(text.encode() + bytes(zeros))

    assert run.keep() == [0, 1, 2]


@pytest.mark.parametrize("zeros", [0, 1, 4_096])
def test_a_line_that_lacks_only_its_end_gets_one(run, zeros):
    """
    Or else the next line would be glued to it.
    """
    text = "".join(run.lines[:4]).rstrip("\n")
    run.report.write_bytes(text.encode() + bytes(zeros))
    kept = run.keep()
    with ReportFile(run.report) as report:
        report.write(run.lines[5].encode())

    assert kept == [0, 1, 2, 3]
    assert run.keep() == [0, 1, 2, 3, 5]


def test_a_link_aside_from_the_report_is_not_followed(run, tmp_path):
    (tmp_path / "precious").write_text("secret")
    run.report.with_name("report.jsonl.part").symlink_to(tmp_path / "precious")

    assert run.keep() == [0, 1, 2, 3, 4, 5]
    assert (tmp_path / "precious").read_text() == "secret"
    assert not run.report.is_symlink()


def test_a_report_that_is_a_link_stays_one(run, tmp_path):
    run.path(1).unlink()
    run.report.rename(tmp_path / "elsewhere.jsonl")
    run.report.symlink_to("elsewhere.jsonl")

    assert run.keep() == [0, 2, 3, 4, 5]
    assert run.report.is_symlink()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.integers(0, ITEMS - 1), max_size=9),
    st.sets(st.integers(0, ITEMS - 1)),
    st.integers(0, 500),
)
def test_whatever_is_left_of_a_report_what_stands_in_it_is_kept(
    run, written, gone, cut
):
    text = "".join(run.lines[n] for n in written)[: -cut or None]
    run.report.write_text(text)
    whole = {n for n in written if run.lines[n].rstrip("\n") in text}
    for number, line in enumerate(run.lines):
        run.path(number).write_bytes(b"x" * json.loads(line)["bytes"])
    for number in gone:
        run.path(number).unlink()

    assert run.keep() == sorted(whole - gone)


@pytest.mark.parametrize(
    ("retry", "urls", "why"),
    [
        (HEALABLE, "http://h/1\nhttp://h/1/other\n", "5 files that --report does not"),
        (ALL, "", "6 files, which --retry all cannot replace"),
    ],
)
def test_a_report_stays_as_it_was_if_a_complete_tar_takes_nothing(
    run, tmp_path, retry, urls, why
):
    """
    With the right list, the next run goes on as if nothing had been.
    """
    right = "".join(f"http://h/{n}\n" for n in (1, 0, 2, 3, 4, 5))
    run.list.write_text(right)
    with closing(LocalTars(tmp_path / "tars", is_folder=True)) as run.sink:
        run.sink.begin(())
        run.lines = [run.line(item) for item in UrlList(run.list)]
        run.sink.settle()
        run.sink.complete(range(ITEMS), is_whole=True)
    run.report.write_text("".join(run.lines))
    before = run.report.read_bytes()
    with closing(LocalTars(tmp_path / "tars", is_folder=True)) as run.sink:
        run.list.write_text(urls or right)
        run.retry = retry
        with pytest.raises(ValueError, match=why):
            run.kept()
        after = run.report.read_bytes()
        run.list.write_text(right)
        run.retry = HEALABLE

        assert after == before
        assert len(run.kept()) == ITEMS


def test_a_list_that_breaks_off_leaves_the_report_of_its_rows_alone(run, tmp_path):
    """
    Its other rows may come later; their lines were dropped, and their tars emptied.
    """
    torn = tmp_path / "torn.txt.gz"
    torn.write_bytes(gzip.compress(b"http://h/4\nhttp://h/5\n")[:-9])
    fresh = (f"http://new/{n:0500}" for n in range(10_000))
    names = [*(f"http://h/{n}" for n in range(4)), *fresh]
    run.list.write_text("\n".join(names))
    urls = UrlList(run.list, torn)
    with (
        ReportFile(run.report) as report,
        pytest.raises(UrlListError, match="gz is not whole"),
    ):
        keep(report, urls, run.sink, HEALABLE)

    assert run.report.read_text() == "".join(run.lines)
