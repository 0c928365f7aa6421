"""A run that goes on: one writer at a time, the same settings, nothing lost."""

import re
import subprocess
import sys

import pytest
from tests.support.chart_tables import shards
from tests.support.full_disk import no_file_larger_than
from tests.support.recorded_invocations import (
    SOURCE,
    done,
    invocation,
    opened_run,
    urls,
)

from experiment.ledger import list_fingerprint
from experiment.ledger.invocation import LedgerError
from experiment.ledger.ledger_file import check_free, read_invocations
from experiment.ledger.provenance import machines_of
from experiment.ledger.run_folder import open_run, read_run
from experiment.parameters.fan_out import FanOutSettings
from experiment.report.page import write_report
from experiment.report.reproduction import machine_of
from fetcher.contract.outcome import Outcome


@pytest.fixture
def run(tmp_path):
    with opened_run(tmp_path / "a-run") as run:
        yield run


def continued(folder, **settings):
    settings = FanOutSettings(
        **{"files": 10, "run_folder": str(folder), "resume": True} | settings
    )
    return open_run("20_fan_out", settings, folder, region="here")


@pytest.mark.parametrize("zeros", [0, 100_000], ids=["killed", "power-cut"])
@pytest.mark.parametrize("cut", [1, 3_000])
def test_a_line_torn_by_a_crash_is_removed_when_the_run_goes_on(run, cut, zeros):
    """
    The next one would be appended to it, and both be lost.
    """
    long = [done(Outcome.CUT, detail=f"{n * n:099}") for n in range(5)] * 20
    torn = invocation(urls((0, 100)), long, shard=2).to_line()[:-cut]
    run.reports.append(invocation(SOURCE, shard=1))
    run.close(verdict="")
    path = run.folder / "reports.jsonl"
    path.write_bytes(path.read_bytes() + torn + bytes(zeros))
    assert [one.shard for one in read_invocations(run.folder)] == [1]

    again = continued(run.folder)
    again.reports.append(invocation(SOURCE, shard=3))
    again.close(verdict="")
    assert [one.shard for one in read_invocations(run.folder)] == [1, 3]


def test_a_run_that_goes_on_says_so_and_is_not_over(run):
    run.record |= {"totals": {"files": 10}, "forecast": {"low_s": 4.0}}
    run.record |= {"cost": {"usd": 1.0}, "origin_requests": 10}
    run.close(verdict="It was quick")
    again = continued(run.folder, connections=7)
    record = read_run(run.folder)

    (entry,) = record["continued"]
    assert entry["settings_before"] == {
        "connections": 0,
        "run_folder": "",
        "resume": False,
    }
    assert record["settings"]["connections"] == 7
    assert {"started", "commit", "dirty"} <= entry.keys()
    assert not {"ended", "totals", "verdict"} & record.keys()
    assert not {"forecast", "cost", "origin_requests"} & record.keys()
    # The page of a run on AWS failed at a forecast without what was measured.
    assert "This run has not ended" in write_report(run.folder).read_text()
    assert (run.session, again.session) == (0, 1)
    again.close(verdict="")


def test_a_run_that_goes_on_elsewhere_names_both_machines(run, monkeypatch):
    """
    Its charts said that all of it was measured on the first.
    """
    first = run.record["machine"]
    run.close(verdict="")
    continued(run.folder).close(verdict="")
    other = first | {"name": "a larger one"}
    monkeypatch.setattr("experiment.ledger.run_folder.machine", lambda: other)
    continued(run.folder).close(verdict="")
    record = read_run(run.folder)

    assert ["machine" in one for one in record["continued"]] == [False, True]
    assert machines_of(record) == f"{first['name']}, then a larger one"
    rows = [value for name, value in machine_of(record) if name == "machine"]
    assert rows == [first["name"], "a larger one"]


@pytest.mark.parametrize("busy", [continued, check_free])
def test_two_processes_never_write_to_one_run(run, busy):
    """
    Lines of both, and every file twice: who comes second is told.
    """
    said = re.escape(f"{run.folder} is in use: another process is writing this run.")

    with pytest.raises(LedgerError, match=said):
        busy(run.folder)
    assert "continued" not in read_run(run.folder)
    run.reports.append(invocation(SOURCE))
    run.close(verdict="")
    check_free(run.folder)


def test_whoever_holds_a_run_lets_it_go_when_killed(run):
    run.close(verdict="")
    text = (
        "import sys, pathlib, experiment.ledger.ledger_file as reports\n"
        "held = reports.Reports(pathlib.Path(sys.argv[1]))\n"
        "print(flush=True)\n"
        "sys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", text, run.folder],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as other:
        other.stdout.readline()
        with pytest.raises(LedgerError, match="is in use"):
            check_free(run.folder)
        other.kill()
    check_free(run.folder)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"files": 11}, "its files is 10, not 11"),
        ({"file_kb": 3}, "its file_kb is 10, not 3"),
        ({"target": "aws"}, "its target is 'local', not 'aws'"),
        ({"url_template": "http://h/{number}"}, "its url_template is ''"),
        ({"sink": "discard"}, "its sink is 'directory', not 'discard'"),
    ],
)
def test_other_files_do_not_continue_a_run(run, changed, said):
    run.close(verdict="")

    with pytest.raises(LedgerError, match=re.escape(said)):
        continued(run.folder, **changed)


@pytest.mark.parametrize("many", [9, 100_000])
@pytest.mark.parametrize("read_whole", [True, False])
def test_a_list_whose_middle_was_shuffled_does_not_continue_a_run(
    tmp_path, monkeypatch, read_whole, many
):
    """
    Its URLs would get the numbers of others: some fetched twice, others never.
    """
    if not read_whole:
        monkeypatch.setattr(list_fingerprint, "_WHOLE_BYTES", 0)
        monkeypatch.setattr(list_fingerprint, "_END_BYTES", 100)
    lines = [f"http://host/{number:06}/{'x' * 30}\n" for number in range(many)]
    path = tmp_path / "urls.txt"
    path.write_text("".join(lines))
    settings = FanOutSettings(url_list=str(path))
    run = open_run("20_fan_out", settings, tmp_path / "run", region="here")
    run.close(verdict="")
    continued(run.folder, files=0, url_list=str(path)).close(verdict="")
    middle = slice(many * 4 // 10, many * 6 // 10 + 1)
    lines[middle] = reversed(lines[middle])
    path.write_text("".join(lines))

    with pytest.raises(LedgerError, match=r"is not the list it began with, .*\.txt"):
        continued(run.folder, files=0, url_list=str(path))


def test_a_list_in_s3_is_recognised_until_it_changes(
    tmp_path, endpoint, s3, bucket, monkeypatch
):
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", endpoint.endpoint_url)
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    url = f"s3://{bucket}/urls.txt"
    s3.put_object(Bucket=bucket, Key="urls.txt", Body=b"http://host/1\n")
    settings = FanOutSettings(url_list=url)
    run = open_run("20_fan_out", settings, tmp_path / "run", region="here")
    run.close(verdict="")
    continued(run.folder, files=0, url_list=url).close(verdict="")
    s3.put_object(Bucket=bucket, Key="urls.txt", Body=b"http://host/2\n")

    with pytest.raises(LedgerError, match=r"is not the list it began with, s3://"):
        continued(run.folder, files=0, url_list=url)


def test_a_full_disk_is_told_and_costs_nothing_that_was_written(run):
    """
    The line that did not fit is not there in part either, and the run can go on.
    """
    run.reports.append(invocation(SOURCE, shard=1))
    size = (run.folder / "reports.jsonl").stat().st_size
    said = f"{run.folder}/reports.jsonl cannot be written: File too large. "
    with no_file_larger_than(size + 100), pytest.raises(LedgerError) as full:
        run.reports.append(invocation(SOURCE, shard=2))

    assert str(full.value).startswith(said)
    assert str(full.value).endswith(f"python -m experiment resume {run.folder}")
    assert (run.folder / "reports.jsonl").stat().st_size == size
    run.reports.append(invocation(SOURCE, shard=3))
    assert [one.shard for one in read_invocations(run.folder)] == [1, 3]


def test_a_table_that_does_not_fit_leaves_the_one_that_was_there(run):
    table = shards(invocation(SOURCE))
    run.save_table("shards", table)
    before = (run.folder / "shards.parquet").read_bytes()
    with no_file_larger_than(100):
        with pytest.raises(LedgerError, match=r"shards\.parquet cannot be written"):
            run.save_table("shards", table)
        with pytest.raises(LedgerError, match=r"run\.json cannot be written"):
            run.close(verdict="it does not fit")

    assert (run.folder / "shards.parquet").read_bytes() == before
    assert "verdict" not in read_run(run.folder)
    assert not list(run.folder.glob("*.part"))
