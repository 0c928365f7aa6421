"""
What `python -m experiment` says and leaves of the runs it began.

They are run by one kernel, which forgets in between; tests/experiment/run/ and
test_interrupted.py have those that start and stop their own.
"""

import json
from contextlib import nullcontext
from pathlib import Path

import pytest
from papermill.exceptions import PapermillExecutionError
from tests.support.notebook_kernel import forget_all
from tests.support.recorded_invocations import died

from experiment.__main__ import main
from experiment.command import notebook_runner
from experiment.cost.spending_limit import DryRun
from experiment.ledger.ledger_file import read_invocations
from experiment.ledger.run_folder import read_run
from experiment.report.redraw import RunShown
from experiment.run import notebook_execution


@pytest.fixture(scope="module")
def one_kernel(endpoint):
    with notebook_execution.kernel(endpoint.keys.environ()) as manager:
        yield manager


@pytest.fixture
def _kept_kernel(one_kernel, monkeypatch):
    monkeypatch.setattr(
        "experiment.run.notebook_execution.kernel", lambda: nullcontext(one_kernel)
    )
    yield
    forget_all(one_kernel)


@pytest.mark.usefixtures("_kept_kernel")
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


@pytest.mark.usefixtures("_kept_kernel")
@pytest.mark.parametrize(
    ("notebook", "name", "value", "said"),
    [
        ("20_fan_out", "files", "many", "SettingsError: files is 'many', of type str;"),
        ("00_start_here", "file_kb", "50000", "PreflightError: An execution keeps 5,0"),
    ],
)
def test_a_run_that_its_notebook_refuses_leaves_no_folder(
    endpoint, tmp_path, monkeypatch, capsys, notebook, name, value, said
):
    """
    A folder with nothing but a notebook in it looks like a run that was lost.
    """
    (tmp_path / "results").mkdir()
    folder = tmp_path / "results" / "new" / "run"
    monkeypatch.setattr(
        "experiment.command.notebook_runner.run_folder_for", lambda *_: folder
    )
    there = ("-p", "endpoint_url", endpoint.endpoint_url)
    origin = ("-p", "origin_url", endpoint.origin_url)

    assert main([notebook, *there, *origin, "-p", name, value]) == 2
    assert f"experiment: {said}" in capsys.readouterr().err
    assert list((tmp_path / "results").iterdir()) == []


@pytest.fixture
def failing(monkeypatch):
    """Let notebooks end in an error of some name, after some files were written."""

    def fail_with(error, *files):
        def execute(_notebook, output, _parameters, **_):
            for name in (output.name, *files):
                output.with_name(name).write_text("{}")
            raise PapermillExecutionError(5, 3, "", error, "wrong", [])

        monkeypatch.setattr("experiment.command.notebook_runner.execute", execute)

    return fail_with


@pytest.mark.parametrize("name", ["SettingsError", "EndpointError", "OriginError"])
def test_what_a_refused_run_found_in_its_folder_stays_and_what_it_did(
    tmp_path, failing, capsys, name
):
    """
    An endpoint may end in the middle: then there is something to look at.
    """
    (tmp_path / "notes.txt").write_text("mine")
    run = ["20_fan_out", "-p", "run_folder", str(tmp_path)]
    failing(name)

    assert main(run) == 2
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]
    assert capsys.readouterr().err == f"experiment: {name}: wrong\n"
    failing(name, "run.json")
    assert main(run) == 1
    assert f"{tmp_path / '20_fan_out.ipynb'} shows where" in capsys.readouterr().err
    assert (tmp_path / "20_fan_out.ipynb").exists()


def test_notebooks_that_measure_nothing_on_purpose_are_known_by_their_errors():
    assert {DryRun.__name__, RunShown.__name__} == notebook_runner._NOTHING_MEASURED


@pytest.mark.usefixtures("_kept_kernel")
def test_a_run_ends_with_where_everything_is_and_the_verdict(
    tmp_path, endpoint, monkeypatch, capsys
):
    """
    Paths are those of the caller's folder, wherever notebooks run.
    """
    monkeypatch.chdir(tmp_path)
    urls = [f"{endpoint.origin_url}/2000/{n}.jpg\n" for n in range(6)]
    Path("urls.txt").write_text("".join(urls))
    parameters = {
        "files": 1,
        "connections": 3,
        "concurrency": 1,
        "shards_per_execution": 2,
        "endpoint_url": endpoint.endpoint_url,
        "function": "t-command",
        "url_list": "urls.txt",
        "allow_private": True,
    }
    Path("small.yaml").write_text(json.dumps(parameters))
    more = ("-p", "files", "9", "-p", "run_folder", "my-run")

    assert main(["20_fan_out", "-f", "small.yaml", *more]) == 0
    said, record = capsys.readouterr(), read_run(tmp_path / "my-run")
    assert said.err == ""
    assert "6 of 6 files are ok\n" in said.out
    assert said.out.count(record["verdict"]) == said.out.count("my-run\n") == 1
    assert said.out.splitlines()[-6:] == [
        "run      my-run",
        "report   my-run/report.html",
        "chart    my-run/connections.png",
        "chart    my-run/latency.png",
        "chart    my-run/timeline.png",
        f"verdict  {record['verdict']}",
    ]
    assert record["totals"]["counts"]["ok"] == 6
    if record["totals"]["million_s"] is None:  # a busy machine may take a second
        assert "6 files of 2 kB in" in record["verdict"]
        assert "too short to project" in record["verdict"]
    else:
        assert "1M files of 2 kB" in record["verdict"]
    assert record["settings"]["connections"] == 3
    assert record["settings"]["files"] == 9


@pytest.mark.usefixtures("_kept_kernel")
def test_a_cell_that_fails_is_an_exit_status(
    tmp_path, target, zip_of, monkeypatch, capsys
):
    """
    A function of somebody else's stands where ours should go.
    """
    monkeypatch.setattr(
        "experiment.command.notebook_runner.run_folder_for", lambda *_: tmp_path / "x"
    )
    target.client("lambda").create_function(
        FunctionName="t-somebodys",
        Runtime=target.machine_for("arm64").runtime,
        Role="arn:aws:iam::123456789012:role/somebodys",
        Handler="main.handler",
        Code={"ZipFile": zip_of("")},
    )

    there = ("-p", "endpoint_url", target.endpoint_url)
    try:
        assert main(["10_deploy", "-p", "function", "t-somebodys", *there]) == 1
    finally:
        target.client("lambda").delete_function(FunctionName="t-somebodys")

    assert "experiment: DeployError: " in capsys.readouterr().err
    assert (tmp_path / "x" / "10_deploy.ipynb").exists()
