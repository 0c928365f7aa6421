"""An earlier report that is torn, linked, or no report: what stands in it stays."""

import gzip

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.support.earlier_run import ITEMS, EarlierRun

from fetcher.command.report import file as report_file
from fetcher.command.report.file import ReportFile
from fetcher.command.resume import ALL, HEALABLE, keep
from fetcher.lists.url_list import UrlList, UrlListError

NUMBERS = st.integers(0, ITEMS - 1)


@pytest.fixture
def run(tmp_path):
    """A list of a few URLs, all of them downloaded; and what to change about it."""
    return EarlierRun(tmp_path)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    written=st.lists(NUMBERS, max_size=9),
    last=NUMBERS,
    left=st.sampled_from([0, 1, 5, 40, -2, -1]) | st.integers(0, 500),
    zeros=st.sampled_from([0, 1, 4_096, 3_000_000]),
    gone=st.sets(NUMBERS),
)
def test_whatever_is_left_of_a_report_what_stands_in_it_is_kept(
    run, written, last, left, zeros, gone
):
    """
    When the power fails, a file may be longer already than what was written to it.

    What is added later is not glued to a line that lacks only its end.
    """
    text = "".join(run.lines[n] for n in written) + run.lines[last][:left]
    run.report.write_bytes(text.encode() + bytes(zeros))
    whole = {n for n in {*written, last} if run.lines[n].rstrip("\n") in text}
    for number in range(ITEMS):
        run.path(number).write_bytes(b"x" * number)
    for number in gone:
        run.path(number).unlink()

    assert run.keep() == sorted(whole - gone)
    with ReportFile(run.report) as report:
        report.write(run.lines[5].encode())
    assert run.keep() == sorted((whole | {5}) - gone)


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


@pytest.mark.parametrize(
    ("retry", "urls", "why"),
    [
        (HEALABLE, "http://h/1\nhttp://h/1/other\n", "5 files that --report does not"),
        (ALL, "", "6 files, which --retry all cannot replace"),
    ],
)
def test_a_report_stays_as_it_was_if_a_complete_tar_takes_nothing(
    run, retry, urls, why
):
    """
    With the right list, the next run goes on as if nothing had been.
    """
    right = "".join(f"http://h/{n}\n" for n in (1, 0, 2, 3, 4, 5))
    run.list.write_text(right)
    run.report.write_text("".join(run.fill_tars()))
    before = run.report.read_bytes()
    with run.tars():
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
    urls, refused = (
        UrlList(run.list, torn),
        pytest.raises(UrlListError, match="gz is n"),
    )
    with ReportFile(run.report) as report, refused:
        keep(report, urls, run.sink, HEALABLE)

    assert run.report.read_text() == "".join(run.lines)
