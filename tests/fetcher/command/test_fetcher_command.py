"""The `fetcher` command, as a person or a batch job runs it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from fetcher.__main__ import main
from fetcher.command.report import run_report
from fetcher.command.report.json_lines import FIELDS


@pytest.fixture
def run(tmp_path, capsys):
    """Run the command on these lines; return its status, summary, report, stderr."""

    def run(lines, *options):
        (tmp_path / "urls.txt").write_text("".join(f"{line}\n" for line in lines))
        report = tmp_path / "report.jsonl"
        words = [str(tmp_path / "urls.txt"), "--to", str(tmp_path / "out")]
        words += ["--report", str(report), "--connections", "4", "--allow-private"]
        words += ["--processes", "1"]  # forking is not for processes with threads
        status = main([*words, *options])
        out, err = capsys.readouterr()
        summary = json.loads(out.splitlines()[-1]) if out else None
        told = report.read_text().splitlines() if report.exists() else []
        return status, summary, [json.loads(line) for line in told], err

    return run


def files_below(folder):
    return [path for path in folder.rglob("*") if path.is_file()]


def test_a_run_whose_stderr_is_closed_is_a_run(run, monkeypatch):
    """
    Some daemons begin programs so.
    """
    monkeypatch.setattr(sys, "stderr", None)
    status, summary, _, _ = run(["http://127.0.0.1:1/"], "--attempts", "1")
    sys.stderr.close()

    assert (status, summary["counts"]) == (1, {"connect": 1})


@pytest.mark.parametrize(
    ("name", "status", "counts"),
    [("urls.txt", 1, {"connect": 1, "bad_url": 1}), ("none.txt", 2, None)],
)
def test_a_full_stderr_ends_no_run_and_changes_no_status(
    tmp_path, name, status, counts
):
    """
    It may be a log on a full disk, or a pipe whose reader is gone. Python exits with
    120 if its last attempt to write what is left fails.
    """
    (tmp_path / "urls.txt").write_text("http://127.0.0.1:1/\nnonsense\n")
    words = ["-m", "fetcher", name, "--to", "out", "--attempts", "1", "--allow-private"]
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, *words],
            cwd=tmp_path,
            env=os.environ | {"PYTHONUNBUFFERED": ""},  # with it, nothing is left
            stdout=subprocess.PIPE,
            stderr=full,
            check=False,
        )

    assert done.returncode == status
    assert (json.loads(done.stdout)["counts"] if done.stdout else None) == counts


def test_when_some_url_is_not_ok_the_status_is_1_and_the_report_says_why(
    run, origin, tmp_path
):
    urls = [origin.url("/bytes/3"), origin.url("/status/404"), origin.url("/cut/9/1")]
    lines = [f"{urls[0]}\tcats/1.jpg", *urls[1:]]
    status, summary, report, _ = run(lines, "--attempts", "1")
    by_url = {line["url"]: line for line in report}
    ok, missing, cut = (by_url[url] for url in urls)
    path = tmp_path / "out/cats/1.jpg"

    assert status == 1
    assert summary["counts"] == {"ok": 1, "http_status": 1, "cut": 1}
    assert list(ok) == list(FIELDS)
    told = [ok[name] for name in ("outcome", "status", "bytes", "detail", "path")]
    assert told == ["ok", 200, 3, "", str(path)]
    assert path.read_bytes() == b"xxx"
    assert (missing["status"], missing["attempts"], missing["path"]) == (404, 1, "")
    assert cut["detail"].startswith("expected 9 bytes, got 1")


def test_a_secret_in_a_url_is_sent_and_told_to_nobody_else(run, origin, tmp_path):
    urls = [origin.url(f"/target/a?n=1&{name}=hunter2") for name in ("sig", "token")]
    urls.append(origin.url("/target/b").replace("//", "//user:hunter2@"))
    dead = "http://user:hunter2@no.invalid/?key=hunter2"
    _, summary, report, err = run([*urls, dead], "--attempts", "1")
    bodies = {path.read_bytes() for path in files_below(tmp_path / "out")}
    (sent,) = (one for one in origin.requests if one.path == "/target/b")

    assert summary["counts"] == {"ok": 3, "dns": 1}
    assert {b"/target/a?n=1&sig=hunter2", b"/target/a?n=1&token=hunter2"} < bodies
    assert sent.headers["authorization"].startswith("basic ")
    assert "hunter2" not in json.dumps([summary, report]) + err
    assert not any("hunter2" in str(path) for path in tmp_path.rglob("*"))


def test_a_bad_row_costs_only_itself_and_with_strict_nothing_is_fetched(
    run, origin, tmp_path
):
    url = origin.url("/bytes/1")
    lines = ["# mine", url, "", "ftp://h/", f"{url}#twin", origin.url("/bytes/2")]
    status, summary, report, err = run(lines)

    assert status == 1
    assert summary["counts"] == {"ok": 2, "bad_url": 1, "duplicate": 1}
    assert summary["files"] == len(report) == 4
    assert "urls.txt: 2 lines are no rows: they are blank, or comments." in err
    assert "row 2: bad_url: The scheme is 'ftp'" in err
    assert "row 3: duplicate: repeats the URL of row 1" in err
    (tmp_path / "report.jsonl").unlink()
    before = len(origin.requests)
    other = ["--strict", "--to", str(tmp_path / "other")]
    status, summary, report, err = run(lines, *other)

    assert (status, summary, report) == (2, None, [])
    assert "2 of its 4 rows cannot be used; nothing was fetched" in err
    assert len(origin.requests) == before
    assert not (tmp_path / "other").exists()


def test_private_addresses_are_not_contacted_unless_allowed(origin, tmp_path):
    (tmp_path / "urls.txt").write_text(origin.url("/bytes/1"))
    report = tmp_path / "report"
    place = ["--to", str(tmp_path / "out"), "--report", str(report)]
    status = main([str(tmp_path / "urls.txt"), *place])

    assert status == 1
    assert json.loads(report.read_text())["outcome"] == "blocked"


def test_a_report_in_the_folder_of_bodies_is_not_replaced_by_one(run, origin, tmp_path):
    report = tmp_path / "out" / "r.csv"
    report.parent.mkdir()
    names = "r.csv", "r.csv.jsonl", "a/r.csv"
    lines = [f"{origin.url(f'/bytes/{n}')}\t{name}" for n, name in enumerate(names)]
    for kept in (0, 3):
        status, summary, _, _ = run(lines, "--report", str(report))
        assert (status, summary["ok"], summary["kept"]) == (0, 3, kept)

    folder = report.parent
    found = {str(path.relative_to(folder)) for path in files_below(folder)}
    assert found == {"r.csv", "r.cs%76", "r.csv.json%6C", "a/r.csv"}
    assert report.read_text().startswith("row,url,")


def test_a_table_that_cannot_be_written_has_status_2_and_its_lines_stay(
    run, tmp_path, monkeypatch
):
    def fail(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(run_report, "write_table", fail)
    table = tmp_path / "r.parquet"
    status, summary, _, err = run(["no URL", "http://0.0.0.0"], "--report", str(table))

    assert (status, summary) == (2, None)
    assert "No space left on device" in err
    assert len((tmp_path / "r.parquet.jsonl").read_text().splitlines()) == 2
    assert not table.exists()
