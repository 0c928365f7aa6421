"""The `fetcher` command, as a person or a batch job runs it."""

import json
import signal
import sys

import pytest
from tests.support.misbehaving_origin import Origin
from tests.support.running_command import Run

from fetcher.__main__ import main
from fetcher.command.report import formats
from fetcher.command.report.json_lines import FIELDS


@pytest.fixture(scope="module")
def origin():
    with Origin() as origin:
        yield origin


@pytest.fixture
def run(tmp_path, capsys):
    """Run the command on these lines; return its status, summary, report, stderr."""

    def run(lines, *options):
        (tmp_path / "urls.txt").write_text("".join(f"{line}\n" for line in lines))
        report = tmp_path / "report.jsonl"
        status = main(
            [
                str(tmp_path / "urls.txt"),
                *("--to", str(tmp_path / "out")),
                *("--report", str(report)),
                *("--connections", "4"),
                *("--processes", "1"),  # forking is not for processes with threads
                "--allow-private",
                *options,
            ]
        )
        out, err = capsys.readouterr()
        summary = json.loads(out.splitlines()[-1]) if out else None
        told = report.read_text().splitlines() if report.exists() else []
        return status, summary, [json.loads(line) for line in told], err

    return run


def files_below(folder):
    return [path for path in folder.rglob("*") if path.is_file()]


def test_when_every_url_is_ok_the_status_is_0(run, origin, tmp_path):
    urls = [origin.url(f"/bytes/{n}") for n in range(5)]
    status, summary, report, err = run(urls)

    assert status == 0
    assert (summary["files"], summary["ok"], summary["kept"]) == (5, 5, 0)
    assert summary["body_bytes"] == 10
    assert summary["counts"] == {"ok": 5}
    assert sorted(line["url"] for line in report) == urls
    assert len(files_below(tmp_path / "out")) == 5
    assert "5 of 5 files, 5 ok" in err


def test_a_run_whose_stderr_is_closed_is_a_run(run, monkeypatch):
    """
    Some daemons begin programs so.
    """
    monkeypatch.setattr(sys, "stderr", None)
    status, summary, _, _ = run(["http://127.0.0.1:1/"], "--attempts", "1")
    sys.stderr.close()

    assert (status, summary["counts"]) == (1, {"connect": 1})


def test_when_some_url_is_not_ok_the_status_is_1_and_the_report_says_why(run, origin):
    urls = [origin.url("/bytes/3"), origin.url("/status/404"), origin.url("/cut/9/1")]
    status, summary, report, _ = run(urls, "--attempts", "1")
    by_url = {line["url"]: line for line in report}

    assert status == 1
    assert summary["counts"] == {"ok": 1, "http_status": 1, "cut": 1}
    assert list(report[0]) == list(FIELDS)
    ok, missing, cut = (by_url[url] for url in urls)
    assert (ok["outcome"], ok["status"], ok["bytes"], ok["detail"]) == (
        "ok",
        200,
        3,
        "",
    )
    assert (missing["status"], missing["attempts"], missing["path"]) == (404, 1, "")
    assert cut["detail"].startswith("expected 9 bytes, got 1")


def test_the_path_in_the_report_is_where_the_file_is(run, origin, tmp_path):
    url = origin.url("/bytes/3")
    _, _, (line,), _ = run([f"{url}\tcats/1.jpg"])

    assert line["path"] == str(tmp_path / "out/cats/1.jpg")
    assert (tmp_path / "out/cats/1.jpg").read_bytes() == b"xxx"


def test_a_password_in_a_url_is_told_to_nobody(run, origin):
    url = origin.url("/bytes/3").replace("//", "//user:hunter2@")
    dead = "http://user:hunter2@no.invalid/"
    _, summary, report, err = run([url, dead], "--attempts", "1")

    assert summary["counts"] == {"ok": 1, "dns": 1}
    assert "hunter2" not in json.dumps([summary, report]) + err
    assert origin.requests[-1].headers["authorization"].startswith("basic ")


def test_a_token_in_a_url_is_sent_and_told_to_nobody_else(run, origin, tmp_path):
    urls = [origin.url(f"/target/a?n=1&{name}=hunter2") for name in ("sig", "token")]
    dead = "http://no.invalid/?key=hunter2"
    _, summary, report, err = run([*urls, dead], "--attempts", "1")
    bodies = {path.read_bytes() for path in files_below(tmp_path / "out")}

    assert summary["counts"] == {"ok": 2, "dns": 1}
    assert bodies == {b"/target/a?n=1&sig=hunter2", b"/target/a?n=1&token=hunter2"}
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
    status, summary, report, err = run(
        lines, "--strict", "--to", str(tmp_path / "other")
    )

    assert (status, summary, report) == (2, None, [])
    assert "2 of its 4 rows cannot be used; nothing was fetched" in err
    assert len(origin.requests) == before
    assert not (tmp_path / "other").exists()


def test_private_addresses_are_not_contacted_unless_allowed(origin, tmp_path):
    (tmp_path / "urls.txt").write_text(origin.url("/bytes/1"))
    report = tmp_path / "report"
    status = main(
        [
            str(tmp_path / "urls.txt"),
            *("--to", str(tmp_path / "out"), "--report", str(report)),
        ]
    )

    assert status == 1
    assert json.loads(report.read_text())["outcome"] == "blocked"


def test_at_the_deadline_the_rest_is_unstarted(run, origin):
    urls = [origin.url("/bytes/1")] + [origin.url(f"/silence/{n}") for n in range(9)]
    status, summary, report, _ = run(urls, "--deadline", "0.5")

    assert status == 1
    assert summary["counts"] == {"ok": 1, "unstarted": 9}
    assert len(report) == 10


@pytest.mark.parametrize("kind", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_half_way_reports_what_ended_and_the_rest_as_unstarted(
    origin, tmp_path, kind
):
    """
    Batch systems send SIGTERM, people Ctrl-C; neither may cost the account.
    """
    silent = f"/silence/{kind.name}"
    urls = [origin.url(f"/bytes/{n}") for n in range(5)]
    urls += [origin.url(f"{silent}/{n}") for n in range(20)]
    run = Run(tmp_path, urls)
    with run.start("--connections", "5", "--processes", "1") as process:
        origin.wait_for(silent, 5)
        process.send_signal(kind)
        status, summary = run.finish()

    assert status == 1, run.err
    assert summary["counts"] == {"ok": 5, "unstarted": 20}
    assert sorted(run.told()) == sorted(urls)
    assert len(run.files()) == 5
    assert "Traceback" not in run.err


def test_a_module_and_a_command_are_the_same(tmp_path):
    run = Run(tmp_path, ["nonsense"])
    with run.start():
        status, summary = run.finish()

    assert (status, summary) == (2, None)
    assert run.err.startswith("fetcher: ")


def test_the_same_command_again_does_only_the_rest(run, origin, tmp_path):
    urls = [origin.url(f"/bytes/{n}/again") for n in range(5)]
    missing = origin.url("/status/404")
    run([*urls, missing])
    (gone, *_) = files_below(tmp_path / "out")
    gone.unlink()
    before = len(origin.requests)
    status, summary, report, err = run([*urls, missing])

    assert status == 1
    assert (summary["files"], summary["ok"], summary["kept"]) == (6, 5, 5)
    assert summary["counts"] == {"ok": 5, "http_status": 1}
    assert len(origin.requests) - before == 1
    assert sorted(line["url"] for line in report) == sorted([*urls, missing])
    assert "6 of 6 files, 5 ok, 1 not" in err


def test_when_all_is_there_nothing_is_asked_for(run, origin):
    urls = [origin.url(f"/bytes/{n}/there") for n in range(5)]
    run(urls)
    before = len(origin.requests)
    status, summary, report, _ = run(urls)

    assert (status, summary["kept"], summary["files_per_s"]) == (0, 5, 0)
    assert (len(report), len(origin.requests)) == (5, before)


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


def test_a_report_that_is_something_else_is_refused_and_left_alone(run, origin):
    url = origin.url("/bytes/1/notes")
    _, _, _, _ = run([url])
    before = len(origin.requests)
    status, summary, _, err = run([url], "--report", __file__)

    assert (status, summary) == (2, None)
    assert f"--report {__file__} is there already" in err
    assert len(origin.requests) == before


def test_a_table_that_cannot_be_written_has_status_2_and_its_lines_stay(
    run, tmp_path, monkeypatch
):
    def fail(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(formats, "write_table", fail)
    table = tmp_path / "r.parquet"
    status, summary, _, err = run(["no URL", "http://0.0.0.0"], "--report", str(table))

    assert (status, summary) == (2, None)
    assert "No space left on device" in err
    assert len((tmp_path / "r.parquet.jsonl").read_text().splitlines()) == 2
    assert not table.exists()
