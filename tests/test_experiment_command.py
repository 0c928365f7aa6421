"""`python -m experiment`: parameters checked first, exit codes, Ctrl-C."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from experiment.__main__ import main
from experiment.ledger import read_invocations, read_run

WAIT_S = 60  # upper bound of every wait here; nothing takes it unless it is broken


@pytest.fixture
def refused(capsys, monkeypatch, tmp_path):
    """Run the command, which must refuse; return what it said."""
    monkeypatch.setattr("experiment.ledger.root", lambda: tmp_path / "root")

    def ran(*arguments):
        assert main(arguments) == 2
        assert not (tmp_path / "root").exists()
        said = capsys.readouterr()
        assert said.out == ""
        return said.err

    return ran


def test_a_notebook_that_is_not_there_is_refused_naming_those_that_are(refused):
    said = refused("20_fanout")

    assert "experiment: There is no notebook '20_fanout'. There are: 00_start" in said


def test_a_misspelt_parameter_is_refused_before_anything_starts(refused):
    """
    Papermill only warns, exits 0, and has measured something else.
    """
    said = refused("20_fan_out", "-p", "concurency", "4")

    assert said == (
        "experiment: There is no parameter 'concurency'. Did you mean 'concurrency'?\n"
    )


def test_a_misspelt_parameter_in_a_file_is_refused_too(refused, tmp_path):
    path = tmp_path / "big.yaml"
    path.write_text("concurrency: 4\nflies: 9\n")

    assert "no parameter 'flies'. Did you mean 'files'?" in refused(
        "20_fan_out", "-f", str(path)
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("just words", "holds no parameters; write one a line, as in `files: 2000`"),
        ("files: [1", "while parsing a flow sequence"),
        (None, "No such file"),
    ],
)
def test_a_file_that_holds_no_parameters_is_refused(refused, tmp_path, text, said):
    path = tmp_path / "big.yaml"
    if text:
        path.write_text(text)

    assert said in refused("20_fan_out", "-f", str(path))


def test_a_run_folder_that_holds_a_run_is_refused_and_left_alone(refused, tmp_path):
    (tmp_path / "run.json").write_text("{}")

    said = refused("20_fan_out", "-p", "run_folder", str(tmp_path))
    assert f"{tmp_path} already holds a run." in said
    assert [path.name for path in tmp_path.iterdir()] == ["run.json"]


@pytest.mark.parametrize("arguments", [[], ["20_fan_out", "-p", "files"]])
def test_a_command_line_that_makes_no_sense_is_refused(arguments, capsys):
    with pytest.raises(SystemExit, match="2"):
        main(arguments)

    assert "usage:" in capsys.readouterr().err


def test_help_says_what_comes_out_and_how_it_exits(capsys):
    with pytest.raises(SystemExit, match="0"):
        main(["--help"])

    said = capsys.readouterr().out
    assert "exit status: 0 done" in said
    assert "python -m experiment 30_grid -p files 2000" in said


def test_a_mistyped_parameter_ends_the_run_before_any_work(
    tmp_path, silent_url, capsys
):
    """
    The class that knows the types is the notebook's: its first cell refuses.
    """
    status = main(
        [
            "20_fan_out",
            *("-p", "files", "many"),
            *("-p", "endpoint_url", silent_url),
            *("-p", "run_folder", str(tmp_path / "run")),
        ]
    )
    said = capsys.readouterr().err

    assert status == 2
    assert "experiment: SettingsError: files is 'many', of type str; it must be" in said
    assert f"{tmp_path / 'run' / '20_fan_out.ipynb'} shows where" in said
    assert not (tmp_path / "run" / "run.json").exists()


def test_a_run_ends_with_where_everything_is_and_the_verdict(
    tmp_path, endpoint, monkeypatch, capsys
):
    """
    Paths are those of the caller's folder, wherever notebooks run.
    """
    monkeypatch.chdir(tmp_path)
    Path("urls.txt").write_text(
        "".join(f"{endpoint.origin_url}/2000/{n}.jpg\n" for n in range(6))
    )
    Path("small.yaml").write_text("connections: 3\nfiles: 1\nconcurrency: 1\n")
    status = main(
        [
            "20_fan_out",
            *("-f", "small.yaml"),
            *("-p", "files", "9"),
            *("-p", "shards_per_execution", "2"),
            *("-p", "endpoint_url", endpoint.endpoint_url),
            *("-p", "function", "t-command"),
            *("-p", "url_list", "urls.txt"),
            *("-p", "allow_private", "true"),
            *("-p", "run_folder", "my-run"),
        ]
    )
    said = capsys.readouterr()
    record = read_run(tmp_path / "my-run")

    assert status == 0
    assert said.err == ""
    assert said.out.splitlines()[-4:] == [
        "run      my-run",
        "chart    my-run/latency.png",
        "chart    my-run/timeline.png",
        f"verdict  {record['verdict']}",
    ]
    assert record["totals"]["counts"]["ok"] == 6
    assert "1M files of 2 kB" in record["verdict"]
    assert record["settings"]["connections"] == 3
    assert record["settings"]["files"] == 9


def test_a_cell_that_fails_is_an_exit_status(
    tmp_path, target, zip_of, monkeypatch, capsys
):
    """
    A function of somebody else's stands where ours should go.
    """
    monkeypatch.setattr("experiment.__main__.run_folder_for", lambda *_: tmp_path / "x")
    target.client("lambda").create_function(
        FunctionName="t-somebodys",
        Runtime=target.runtime,
        Role="arn:aws:iam::123456789012:role/somebodys",
        Handler="main.handler",
        Code={"ZipFile": zip_of("")},
    )

    try:
        status = main(
            [
                "10_deploy",
                *("-p", "function", "t-somebodys"),
                *("-p", "endpoint_url", target.endpoint_url),
            ]
        )
    finally:
        target.client("lambda").delete_function(FunctionName="t-somebodys")

    assert status == 1
    assert "experiment: DeployError: " in capsys.readouterr().err
    assert (tmp_path / "x" / "10_deploy.ipynb").exists()


def test_ctrl_c_leaves_no_process_and_a_ledger_that_can_be_read(tmp_path):
    """
    What was reported until then is kept; kernel, endpoint and executions end.
    """
    folder = tmp_path / "run"
    mark = f"INTERRUPTED_TEST={tmp_path}"
    name, _, value = mark.partition("=")
    command = subprocess.Popen(
        [
            *(sys.executable, "-m", "experiment", "20_fan_out"),
            *("-p", "files", "20000"),
            *("-p", "shards_per_execution", "1000"),
            *("-p", "run_folder", str(folder)),
        ],
        env=os.environ | {name: value},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        until(lambda: lines(folder / "reports.jsonl") > 5 or command.poll() is not None)
        family = descendants(command.pid)
        os.killpg(command.pid, signal.SIGINT)  # as a terminal does
        out, err = command.communicate(timeout=WAIT_S)
    finally:
        if command.poll() is None:
            os.killpg(command.pid, signal.SIGKILL)
            command.communicate()

    assert command.returncode == 130, err
    assert f"experiment: interrupted; what was reported is in {folder}" in out
    assert len(family) > 3  # the kernel, the endpoint, executions at least
    until(lambda: not family & running() and not marked(mark))
    assert 5 < len(list(read_invocations(folder))) < 2_000
    assert "ended" not in read_run(folder)


def until(is_so):
    """Wait for something that must come."""
    give_up_at = time.monotonic() + WAIT_S
    while not is_so():
        assert time.monotonic() < give_up_at, "it did not come"
        time.sleep(0.05)


def lines(path):
    return path.read_bytes().count(b"\n") if path.exists() else 0


def processes():
    """Yield id, parent and start of every process there is."""
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                stat = (folder / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue  # it has just ended
            if stat[0] != "Z":
                yield int(folder.name), int(stat[1]), stat[19]


def running():
    return {(pid, start) for pid, _, start in processes()}


def descendants(ancestor):
    """Ids, with starts, of a process's children and theirs."""
    there = list(processes())
    found, size = {ancestor}, 0
    while size < len(found):
        size = len(found)
        found |= {pid for pid, parent, _ in there if parent in found}
    return {(pid, start) for pid, _, start in there if pid in found - {ancestor}}


def marked(mark):
    """Ids of processes that carry a variable of ours, whoever their parent is."""
    found = set()
    for pid, _, _ in processes():
        try:
            if mark.encode() in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0"):
                found.add(pid)
        except OSError:
            continue
    return found
