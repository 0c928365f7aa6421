"""The report's file: one run writes it, and nobody pulls it away unnoticed."""

import errno
import os
import sys
from pathlib import Path

import pytest
from tests.support.running_command import Run

from fetcher.command.report import file as report_file
from fetcher.command.report.file import ReportFile

LINE = b'{"url": "http://h/1"}\n'


def holder(process):
    """Return what a process that holds a report is called; only Linux tells which."""
    return f"process {process.pid}" if sys.platform == "linux" else "another process"


def test_a_report_is_its_runs_until_that_is_killed(origin, tmp_path, monkeypatch):
    """
    Then it is free at once: the children that still hold it notice, and the next run
    waits for that.
    """
    urls = [origin.url(f"/bytes/{n}") for n in range(9)]
    silent = [origin.url(f"/silence/killed/{n}") for n in range(2)]
    run = Run(tmp_path, urls + silent)
    with run.start("--processes", "2") as process:
        origin.wait_for("/silence/killed", 2)
        run.wait_for_lines(9)
        with monkeypatch.context() as patch:
            patch.setattr(report_file, "_PATIENCE_S", 0)
            with pytest.raises(ValueError, match=f"{holder(process)} is writing"):
                ReportFile(run.report)
        process.kill()
        with run.start("--deadline", "1"):
            status, summary = run.finish()

    assert (status, summary["kept"]) == (1, 9), run.err


def test_a_report_that_is_pulled_away_ends_the_run(origin, tmp_path):
    urls = [origin.url(f"/bytes/{n}") for n in range(9)]
    run = Run(tmp_path, [*urls, origin.url("/silence/pulled")])
    with run.start("--processes", "2"):
        origin.wait_for("/silence/pulled")
        run.wait_for_lines(9)
        run.report.unlink()
        run.process.terminate()
        status, summary = run.finish()

    assert (status, summary) == (2, None)
    assert f"fetcher: --report {run.report} was removed or replaced" in run.err
    assert "Traceback" not in run.err
    assert not run.report.exists()
    assert len(run.files()) == 9


@pytest.mark.parametrize("other", [None, b"", LINE])
def test_a_report_that_was_pulled_away_is_noticed_and_no_other_is_touched(
    tmp_path, other
):
    path = tmp_path / "report"
    with ReportFile(path) as report:
        report.write(LINE)
        path.unlink()
        if other is not None:
            path.write_bytes(other)
        for act in (report.check, lambda: report.write(LINE)):
            with pytest.raises(OSError, match="was removed or replaced"):
                act()

    assert (path.read_bytes() if path.exists() else None) == other


def test_lines_stand_in_the_file_at_once_behind_those_that_were_there(tmp_path):
    path = tmp_path / "report"
    path.write_bytes(LINE)
    with ReportFile(path) as report:
        report.write(LINE)
        assert path.read_bytes() == LINE * 2
        report.replace([LINE])
        report.write(LINE)

    assert path.read_bytes() == LINE * 2
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(sys.platform != "linux", reason="/proc/locks is Linux's")
@pytest.mark.parametrize("is_told", [True, False])
def test_a_report_that_another_run_writes_is_refused_and_told_who_that_is(
    tmp_path, monkeypatch, is_told
):
    """
    Both would fetch everything, and the report of one survive.
    """
    monkeypatch.setattr(report_file, "_PATIENCE_S", 0)
    if not is_told:
        monkeypatch.setattr(report_file, "_LOCKS", tmp_path / "none")
    who = f"process {os.getpid()}" if is_told else "another process"
    path = tmp_path / "report"
    with ReportFile(path) as report:
        report.replace([LINE])  # it stays locked
        with pytest.raises(ValueError, match=f"report is in use: {who} is writing it"):
            ReportFile(path)
    ReportFile(path).__exit__()


def refuse_locks(monkeypatch, number):
    def flock(*_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(report_file.fcntl, "flock", flock)


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP])
def test_where_there_are_no_locks_a_report_is_written_without_and_that_is_said_once(
    tmp_path, monkeypatch, capsys, number
):
    refuse_locks(monkeypatch, number)
    report_file._say_once.cache_clear()
    with ReportFile(tmp_path / "report") as report:
        report.replace([LINE])
        report.write(LINE)

    assert (tmp_path / "report").read_bytes() == LINE * 2
    assert capsys.readouterr().err == (
        "fetcher: --report cannot be locked on this file system: let no other run "
        "write the same report.\n"
    )


def test_another_error_of_a_lock_is_one(tmp_path, monkeypatch):
    refuse_locks(monkeypatch, errno.EIO)
    with pytest.raises(OSError, match="Input/output"):
        ReportFile(tmp_path / "report")


def test_a_device_is_written_to_by_many(tmp_path):
    (tmp_path / "report").symlink_to(os.devnull)
    with ReportFile(tmp_path / "report") as one, ReportFile(tmp_path / "report") as two:
        one.write(LINE)
        two.write(LINE)
        assert not one.is_regular


def test_a_file_that_is_open_already_is_added_to_and_not_replaced(tmp_path):
    """
    As by `--report /dev/stdout > r.jsonl`.
    """
    with (tmp_path / "r.jsonl").open("w+") as file:
        with ReportFile(Path(f"/proc/self/fd/{file.fileno()}")) as report:
            report.write(b"one\n")
            report.check()

            assert not report.is_regular
        file.seek(0)
        assert file.read() == "one\n"
