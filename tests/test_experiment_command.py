"""`python -m experiment`: parameters checked first, exit codes, Ctrl-C."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import ModuleType

import pytest
from papermill.exceptions import PapermillExecutionError
from tests.invocations import invocation, urls

from experiment.__main__ import main
from experiment.fan_out_settings import FanOutSettings
from experiment.grid_settings import GridSettings
from experiment.ledger import open_run, read_run
from experiment.reports import read_invocations

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
        (b"just words", "holds no parameters; write one a line, as in `files: 2000`"),
        (b"files: 1\nwaves: [1", "is not YAML: line 2, while parsing a flow sequence"),
        (b"files: \xff", "is not YAML: 'utf-8' codec can't decode byte 0xff"),
        (b"1: 2", "There is no parameter '1'"),
        (None, "cannot be read: No such file or directory. -f takes a file of param"),
    ],
)
def test_a_file_that_holds_no_parameters_is_refused(refused, tmp_path, text, said):
    path = tmp_path / "big.yaml"
    if text:
        path.write_bytes(text)

    refusal = refused("20_fan_out", "-f", str(path))
    assert said in refusal
    assert refusal.count("\n") == 1


@pytest.mark.parametrize("value", ["[1", "2024-13-45", "'1"])
def test_a_value_that_is_not_yaml_is_refused_naming_its_parameter(refused, value):
    said = refused("20_fan_out", "-p", "files", value)

    assert said.startswith(
        f"experiment: The value of files is {value!r}, which is not YAML: "
    )
    assert said.count("\n") == 1


@pytest.mark.parametrize("target", ["../../../evil", "local/../../evil", "[local]", ""])
def test_a_target_that_would_be_a_path_is_refused_before_a_folder_is_named_after_it(
    refused, target
):
    """
    The notebook was refused later, by its own check, outside of results/.
    """
    assert "; it must be one of: local, aws." in refused(
        "20_fan_out", "-p", "target", target
    )


@pytest.mark.parametrize("name", ["../notebooks/20_fan_out", "20_fan_out.ipynb", ""])
def test_a_notebook_is_named_and_not_pointed_at(refused, name):
    assert f"There is no notebook {name!r}." in refused(name)


@pytest.mark.parametrize("below", ["file", "file/deeper", "/proc/x", "/sys/x", "/proc"])
def test_a_run_folder_that_nothing_can_be_written_to_is_refused(
    refused, tmp_path, below
):
    (tmp_path / "file").write_text("")
    folder = tmp_path / below

    said = refused("20_fan_out", "-p", "run_folder", str(folder))
    assert said.startswith(f"experiment: Nothing can be written to {folder}: ")
    assert said.count("\n") == 1


def test_a_run_folder_that_cannot_be_made_leaves_none_of_its_parents(refused, tmp_path):
    folder = tmp_path / "a" / "b" / ("c" * 300)

    assert "File name too long" in refused(
        "20_fan_out", "-p", "run_folder", str(folder)
    )
    assert not (tmp_path / "a").exists()


def test_a_notebook_in_the_run_folder_is_never_overwritten(refused, tmp_path):
    """
    `-p run_folder notebooks` would have put the executed one in the place of ours.
    """
    path = tmp_path / "20_fan_out.ipynb"
    path.write_text("somebody's")

    said = refused("20_fan_out", "-p", "run_folder", str(tmp_path))
    assert f"{path} exists and would be lost. Set another run_folder." in said
    assert path.read_text() == "somebody's"


def test_a_run_folder_that_holds_a_run_is_refused_and_left_alone(refused, tmp_path):
    (tmp_path / "run.json").write_text("{}")

    said = refused("20_fan_out", "-p", "run_folder", str(tmp_path))
    assert f"{tmp_path} already holds a run." in said
    assert [path.name for path in tmp_path.iterdir()] == ["run.json"]


def died(folder, kind=FanOutSettings, **settings):
    """A run that broke off after two of its eight shards."""
    run = open_run("20_fan_out", kind(files=16, **settings), folder, region="here")
    for shard in range(2):
        run.append(invocation(urls((2 * shard, 2)), shard=shard))
    return run


def test_only_a_run_can_be_resumed(refused, tmp_path):
    said = refused("resume", str(tmp_path))

    assert said == (
        f"experiment: {tmp_path} holds no run.json: it is not a run's folder.\n"
    )


def test_a_grid_is_resumed_cell_by_cell(refused, tmp_path):
    died(tmp_path, GridSettings).close(verdict="")

    assert "which cannot go on. Of a grid each cell can: name its folder." in refused(
        "resume", str(tmp_path)
    )


def test_a_run_that_is_being_written_is_not_resumed(refused, tmp_path):
    """
    Two of them would fetch every file twice.
    """
    run = died(tmp_path)
    said = refused("resume", str(tmp_path))
    run.close(verdict="")

    assert f"{tmp_path} is in use: another process is writing this run." in said
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "reports.jsonl",
        "run.json",
    ]


def test_resuming_needs_a_run(refused):
    assert "Set run_folder to the run that is to go on." in refused(
        "20_fan_out", "-p", "resume", "true"
    )


def test_a_run_that_died_is_resumed_with_its_own_parameters(tmp_path, endpoint, capfd):
    """
    What was reported stays; the notebook that shows how it died stays, too.
    """
    folder = tmp_path / "run"
    there = {"endpoint_url": endpoint.endpoint_url, "origin_url": endpoint.origin_url}
    died(folder, file_kb=1, connections=3, function="t-resumed", **there).close(
        verdict=""
    )
    (folder / "20_fan_out.ipynb").write_text("how it died")

    assert main(["resume", str(folder), "-p", "attempts", "2"]) == 0
    said, record = capfd.readouterr().out, read_run(folder)
    asked = [done.ranges for done in read_invocations(folder) if done.session]
    assert "16 of 16 files are ok" in said
    assert min(first for ((first, _),) in asked) == 4
    assert record["totals"]["counts"]["ok"] == 16
    assert record["settings"]["connections"] == 3
    assert record["continued"][0]["settings_before"]["attempts"] == 3
    assert (folder / "20_fan_out.ipynb").read_text() == "how it died"
    assert (folder / "20_fan_out-2.ipynb").exists()


@pytest.mark.parametrize(
    "arguments",
    [[], ["20_fan_out", "-p", "files"], ["resume"], ["20_fan_out", "results/a-run"]],
)
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


@pytest.mark.parametrize(
    ("notebook", "wrong", "said"),
    [
        (
            "20_fan_out",
            {"files": "many"},
            "SettingsError: files is 'many', of type str; it must be",
        ),
        ("20_fan_out", {"origin_url": "SILENT"}, "SettingsError: The origin http"),
        (
            "00_start_here",
            {"file_kb": "50000"},
            "PreflightError: An execution keeps 5,000,000,000 bytes in its temporary",
        ),
    ],
    ids=["settings", "origin", "preflight"],
)
def test_a_run_that_its_notebook_refuses_leaves_no_folder(
    endpoint, silent_url, tmp_path, monkeypatch, capsys, notebook, wrong, said
):
    """
    A folder with nothing but a notebook in it looks like a run that was lost.
    """
    (tmp_path / "results").mkdir()
    folder = tmp_path / "results" / "new" / "run"
    monkeypatch.setattr("experiment.runner.run_folder_for", lambda *_: folder)
    there = {"endpoint_url": endpoint.endpoint_url, "origin_url": endpoint.origin_url}
    options = []
    for name, value in (there | wrong).items():
        options += ["-p", name, value.replace("SILENT", silent_url)]

    assert main([notebook, *options]) == 2
    assert f"experiment: {said}" in capsys.readouterr().err
    assert list((tmp_path / "results").iterdir()) == []


def test_what_a_refused_run_found_in_its_folder_stays(tmp_path, monkeypatch, capsys):
    def refuse(_notebook, output, _parameters, **_):
        output.write_text("executed")
        raise PapermillExecutionError(5, 3, "", "SettingsError", "wrong", [])

    monkeypatch.setattr("experiment.runner.execute", refuse)
    (tmp_path / "notes.txt").write_text("mine")

    assert main(["20_fan_out", "-p", "run_folder", str(tmp_path)]) == 2
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]
    assert capsys.readouterr().err == "experiment: SettingsError: wrong\n"


def test_a_run_that_breaks_off_at_work_was_not_refused(tmp_path, monkeypatch, capsys):
    """
    An endpoint may end in the middle: then there is something to look at.
    """

    def break_off(_notebook, output, _parameters, **_):
        output.write_text("executed")
        output.with_name("run.json").write_text("{}")
        raise PapermillExecutionError(5, 3, "", "EndpointError", "it ended", [])

    monkeypatch.setattr("experiment.runner.execute", break_off)
    folder = tmp_path / "run"

    assert main(["20_fan_out", "-p", "run_folder", str(folder)]) == 1
    assert f"{folder / '20_fan_out.ipynb'} shows where" in capsys.readouterr().err
    assert (folder / "20_fan_out.ipynb").exists()


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
    assert "6 of 6 files are ok\n" in said.out
    assert said.out.count(record["verdict"]) == said.out.count("my-run\n") == 1
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
    monkeypatch.setattr("experiment.runner.run_folder_for", lambda *_: tmp_path / "x")
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


class Interrupted:
    """
    A run of ``20_fan_out`` that gets Ctrl-C at some point, and what it left.

    Args:
        folder: Where its results and its temporary files go, each in a folder.
    """

    def __init__(self, folder):
        self.results = folder / "run"
        self.scratch = folder / "scratch"
        self.scratch.mkdir()
        self._mark = f"INTERRUPTED_TEST={folder}"

    def run(self, moment, *, times=1):
        """Interrupt it at that moment, once or several times in a row."""
        name, _, value = self._mark.partition("=")
        command = subprocess.Popen(
            [
                *(sys.executable, "-m", "experiment", "20_fan_out"),
                *("-p", "files", "20000"),
                *("-p", "shards_per_execution", "1000"),
                *("-p", "run_folder", str(self.results)),
            ],
            env=os.environ | {name: value, "TMPDIR": str(self.scratch)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        try:
            until(lambda: moment() or command.poll() is not None)
            self.family = descendants(command.pid)
            for _ in range(times):
                os.killpg(command.pid, signal.SIGINT)  # as a terminal does
                time.sleep(0.05)
            self.out, self.err = command.communicate(timeout=WAIT_S)
        finally:
            if command.poll() is None:
                os.killpg(command.pid, signal.SIGKILL)
                command.communicate()
        return command.returncode

    def leaves_nothing_behind(self):
        """Wait until no process of it is left, nor any temporary file."""
        until(lambda: not self.family & running() and not marked(self._mark))
        until(lambda: not list(self.scratch.iterdir()))


@pytest.mark.parametrize("times", [1, 2], ids=["once", "twice"])
def test_ctrl_c_leaves_no_process_and_a_ledger_that_can_be_read(tmp_path, times):
    """
    What was reported until then is kept; kernel, endpoint and executions end.

    The second of two came while the first was cleaned up after, and left files.
    """
    interrupted = Interrupted(tmp_path)
    folder = interrupted.results
    status = interrupted.run(lambda: lines(folder / "reports.jsonl") > 5, times=times)

    assert (status, interrupted.err) == (130, "")
    assert f"experiment: interrupted; what was reported is in {folder}" in (
        interrupted.out
    )
    assert f"; to go on: python -m experiment resume {folder}\n" in interrupted.out
    assert len(interrupted.family) > 3  # the kernel, the endpoint, executions at least
    interrupted.leaves_nothing_behind()
    assert 5 < len(list(read_invocations(folder))) < 2_000
    assert "ended" not in read_run(folder)


@pytest.mark.parametrize("times", [1, 2], ids=["once", "twice"])
def test_ctrl_c_while_the_kernel_starts_leaves_nothing_at_all(tmp_path, times):
    """
    Neither its connection file nor a folder with no results is of use to anybody.
    """
    interrupted = Interrupted(tmp_path)
    status = interrupted.run(
        lambda: list(interrupted.scratch.glob("kernel-*/*")), times=times
    )

    assert (status, interrupted.err) == (130, "")
    assert interrupted.out.strip() == (
        "experiment: interrupted before anything was reported"
    )
    interrupted.leaves_nothing_behind()
    assert not interrupted.results.exists()


def test_ctrl_c_while_modules_are_imported_shows_no_traceback(monkeypatch, capsys):
    """
    Importing papermill takes a second: long enough to think better of it.
    """

    class Slow(ModuleType):
        def __getattr__(self, name):
            raise KeyboardInterrupt

    monkeypatch.setitem(sys.modules, "experiment.runner", Slow("experiment.runner"))

    assert main(["20_fan_out"]) == 130
    assert "interrupted before anything was reported" in capsys.readouterr().out


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
