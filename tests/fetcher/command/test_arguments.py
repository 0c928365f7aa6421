"""Calls of the `fetcher` command that are refused, and its help."""

import subprocess
import sys

import pytest

from fetcher import __version__
from fetcher.__main__ import main


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--connections", "-1"], "connections is -1; it must be from 1 to"),
        (["--attempts", "0"], "attempts is 0"),
        (["--engine", "x"], "engine is 'x'; it must be one of: curl, aiohttp"),
        (["--read-timeout", "-1"], "read_timeout_s is -1.0"),
        (["--deadline", "0"], "deadline is 0.0; it must be more than 0 s"),
        (["--deadline", "nan"], "deadline is nan"),
        (["--processes", "0"], "processes is 0; it must be at least 1"),
        (["--per-host", "-1"], "per_host is -1"),
        (["--report", "/no/such/folder/r"], "No such file or directory"),
        (["--to", "/dev/null/x"], "Not a directory"),
        (["--report", __file__], f"--report {__file__} is there already"),
        (["/no/list.txt"], "No such file or directory: /no/list.txt"),
    ],
)
def test_what_cannot_be_run_has_status_2_and_says_why(tmp_path, capsys, options, said):
    (tmp_path / "urls.txt").write_text("http://h/")
    place = ["--to", str(tmp_path / "out")]
    status = main([*place, str(tmp_path / "urls.txt"), *options])
    out, err = capsys.readouterr()

    assert (status, out) == (2, "")
    assert said in err
    assert "Traceback" not in err


def test_the_version_is_shown_without_a_list(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["--version"])

    assert ended.value.code == 0
    assert capsys.readouterr().out == f"fetcher {__version__}\n"


@pytest.mark.parametrize("arguments", [[], ["u.txt"], ["u.txt", "--no-such"]])
def test_a_wrong_call_has_status_2_and_shows_the_usage(arguments, capsys):
    with pytest.raises(SystemExit) as ended:
        main(arguments)

    assert ended.value.code == 2
    assert "usage: fetcher" in capsys.readouterr().err


def test_help_names_options_and_statuses(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["--help"])
    told = capsys.readouterr().out

    assert ended.value.code == 0
    for option in (
        *("--to", "--connections", "--report", "--respect-robots-tag", "--expect-type"),
        *("exit status:", "SIGTERM", "earlier run", "kept"),
    ):
        assert option in told


@pytest.mark.parametrize(
    ("name", "report"), [("u.jsonl", "u.jsonl"), ("*", "u.jsonl"), ("*l", "u.csv")]
)
def test_a_report_over_the_list_itself_is_refused(tmp_path, capsys, name, report):
    path = tmp_path / ("u.csv.jsonl" if report == "u.csv" else report)
    path.write_text('{"url": "http://h/1"}\n')
    lists, own = str(tmp_path / name), str(tmp_path / report)
    status = main([lists, "--to", str(tmp_path / "out"), "--report", own])

    assert status == 2
    assert "is the list itself" in capsys.readouterr().err
    assert path.read_text() == '{"url": "http://h/1"}\n'


def test_what_does_not_use_an_engine_does_not_import_one():
    """
    Either is dear: a third of the time that a thousand small files take.
    """
    code = (
        "import sys, fetcher.command.main;"
        "print({'aiohttp', 'pycurl', 'asyncio', 'ssl', 'hashlib'} & set(sys.modules))"
    )
    told = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )

    assert told.stdout == "set()\n"
