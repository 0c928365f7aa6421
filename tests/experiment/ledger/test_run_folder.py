"""A run's folder: nothing that was appended is lost, nothing foreign is read."""

import json
import re

import pytest
from tests.support.chart_tables import shards
from tests.support.recorded_invocations import SOURCE, done, invocation, opened_run

from experiment.charts.invocation_timeline import timeline
from experiment.ledger.invocation import SCHEMA, Invocation, LedgerError
from experiment.ledger.ledger_file import read_invocations
from experiment.ledger.run_folder import name_of_run, open_run, read_run, run_folder_for
from experiment.parameters.fan_out import FanOutSettings
from experiment.parameters.project_root import root
from fetcher.contract.outcome import Outcome


@pytest.fixture
def run(tmp_path):
    with opened_run(tmp_path / "a-run") as run:
        yield run


def written(folder, *lines):
    """A run's folder with such a ledger."""
    folder.mkdir(exist_ok=True)
    (folder / "reports.jsonl").write_bytes(b"".join(lines))
    return folder


def line_of(**more):
    return invocation(SOURCE, **more).to_line()


def test_an_invocation_comes_back_as_it_went_with_a_report_or_an_error():
    ends = [done(), None, done(Outcome.CUT), done(Outcome.HTTP_STATUS, status=404)]
    before = invocation(SOURCE, [*ends, done()], shard=4, wave=1)
    after = Invocation.from_line(before.to_line())

    assert after._replace(report=None) == before._replace(report=None)
    assert list(after.report.downloads) == list(before.report.downloads)
    assert after.report.tally == before.report.tally
    lost = invocation(SOURCE, error="it died")
    assert Invocation.from_line(lost.to_line()) == lost


def test_a_report_stands_in_the_ledger_as_it_came():
    """
    It is not encoded once more; only a line must stay a line.
    """
    one = invocation(SOURCE, shard=5)
    came = json.dumps(one.report.to_dict(), indent=1).encode()
    line = one.to_line(came)

    assert line.count(b"\n") == 1
    assert came.replace(b"\n", b" ") in line
    read = Invocation.from_line(line).report
    assert list(read.downloads) == list(one.report.downloads)


@pytest.mark.parametrize(
    "bad",
    [
        b"{\n",
        b"\n",
        b"[]\n",
        b"null\n",
        b'{"schema": 2}\n',
        line_of()[: len(line_of()) // 2] + b"\n",
        line_of().replace(b'"shard"', b'"shrd"'),
        line_of().replace(b'"ranges":[', b'"ranges":[9,'),
        line_of().replace(b'"columns"', b'"colums"'),
        line_of().replace(b'{"schema":2', b'{"schema":99', 1),
    ],
)
def test_a_bad_line_in_the_middle_is_named_with_its_path_and_number(tmp_path, bad):
    folder = written(tmp_path / "run", line_of(), bad, line_of())
    where = re.escape(f"{folder / 'reports.jsonl'}, line 2 cannot be read: ")
    schema = f".*schema 99; this code reads schema {SCHEMA}" * (b'"schema":99' in bad)

    with pytest.raises(LedgerError, match=where + schema):
        list(read_invocations(folder))


def test_a_run_says_at_once_what_is_going_to_be_measured_and_then_how_it_ended(run):
    """
    A crash right after loses nothing: every line has left the process.
    """
    record = read_run(run.folder)
    run.reports.append(invocation(SOURCE, shard=5))
    (read,) = read_invocations(run.folder)
    run.close(verdict="It was quick")
    closed = read_run(run.folder)

    assert record["run"] == "a-run"
    assert record["notebook"] == "20_fan_out"
    assert record["target"] == record["settings"]["target"] == "local"
    assert record["region"] == "us-east-1"
    assert record["settings"]["files"] == 10
    assert {"commit", "dirty", "machine", "started", "schema"} <= record.keys()
    assert "ended" not in record
    assert read.shard == 5
    assert closed["verdict"] == "It was quick"
    assert closed["started"] <= closed["ended"]
    assert closed["ended"].endswith("Z")
    files = {path.name for path in run.folder.iterdir()}
    assert files == {"reports.jsonl", "run.json"}


def test_a_folder_holds_one_run_only(run):
    said = re.escape(
        f"{run.folder} already holds a run. Set another run_folder in the notebook's "
        "parameters cell, or none; or set resume to resume it."
    )

    with pytest.raises(LedgerError, match=said):
        open_run("20_fan_out", FanOutSettings(), run.folder, region="")
    with pytest.raises(LedgerError, match=said):
        run_folder_for("20_fan_out", "local", str(run.folder))


@pytest.mark.parametrize(
    ("text", "said", "advice"),
    [
        (None, " holds no run.json: ", "it is not the folder of a run."),
        ('{"schema": 0}', "/run.json has schema 0; this code reads schema", "read it."),
        *[
            (text, "/run.json is not the record of a run: ", "in another run_folder.")
            for text in ("", '{"schema": 2, "run"', "[]", "\udcff")
        ],
    ],
)
def test_a_folder_without_a_record_that_can_be_read_is_refused(
    tmp_path, text, said, advice
):
    """
    A machine that lost power may leave it cut off; what to do is told.
    """
    if text is not None:
        (tmp_path / "run.json").write_text(text, errors="surrogateescape")

    with pytest.raises(LedgerError, match=re.escape(f"{tmp_path}{said}")) as refused:
        read_run(tmp_path)
    assert str(refused.value).endswith(advice)


def test_a_grid_takes_in_the_lines_of_its_cells(run, tmp_path):
    run.reports.absorb(written(tmp_path / "one", line_of(shard=1), line_of(shard=2)))
    run.reports.absorb(written(tmp_path / "two", line_of(shard=3)))

    assert [read.shard for read in read_invocations(run.folder)] == [1, 2, 3]


def test_a_new_folder_is_named_after_time_notebook_and_target(tmp_path, monkeypatch):
    """
    A local run can never be mistaken for one on AWS, nor for another of that second.
    """
    assert run_folder_for("20_fan_out", "aws").parent == root() / "results"
    monkeypatch.setattr("experiment.ledger.run_folder.root", lambda: tmp_path)
    for _ in range(3):
        run_folder_for("20_fan_out", "aws").mkdir(parents=True)
    names = sorted(path.name for path in (tmp_path / "results").iterdir())

    assert len(names) == 3
    for name in names:
        assert re.fullmatch(r"\d{8}T\d{6}Z-20_fan_out-aws(-\d)?", name)


def test_tables_and_charts_go_into_the_folder(run):
    table = shards(invocation(SOURCE))
    run.save_table("shards", table)
    figure = timeline(table, "here")

    shown = run.save_chart("timeline", figure)

    saved = (run.folder / "timeline.png").read_bytes()
    assert saved.startswith(b"\x89PNG")
    assert shown.data == saved
    assert shown.alt == " ".join(figure.axes[0].get_title(loc="left").split())
    assert (run.folder / "shards.parquet").stat().st_size


def test_executions_know_a_grids_cell_by_both_names_whatever_it_is_called_later(
    tmp_path,
):
    """
    Cells of two grids are called the same, and tars in S3 are called after the run.
    """
    grid = open_run("30_grid", FanOutSettings(), tmp_path / "grid", region="r")
    cell = open_run("20_fan_out", FanOutSettings(), grid.folder / "c1", region="r")
    cell.close(verdict="")
    grid.close(verdict="")
    moved = cell.folder.rename(tmp_path / "moved")

    assert name_of_run(grid.folder) == "grid"
    assert name_of_run(moved) == "grid/c1"
    assert name_of_run(grid.folder / "c2") == "grid/c2"
    assert name_of_run(tmp_path / "new") == "new"
