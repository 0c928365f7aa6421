"""What notebooks leave when papermill runs them with other parameters."""

import json
from pathlib import Path

import pandas as pd
import pytest
from tests.support.notebook_cells import NAMES, cells_of

from experiment.ledger.reports import read_invocations
from experiment.ledger.run_folder import read_run
from experiment.run.grid import execute
from rollout.deploy.deploy import ABSENT, status

SMALL = {"files": 12, "connections": 3, "sink": "discard", "memory_mb": 512}


@pytest.fixture(scope="module")
def executed(endpoint, target, tmp_path_factory):
    """Execute each notebook through papermill; return the folder they are in."""
    folder = tmp_path_factory.mktemp("papermill")
    there = {"endpoint_url": endpoint.endpoint_url}
    fetching = there | {"origin_url": endpoint.origin_url}
    given = {
        "00_start_here": fetching
        | {"function": "t-start", "files": 7, "file_kb": 3, "connections": 4},
        "10_deploy": there
        | {"function": "t-kept", "memory_mb": 512, "timeout_s": 20, "tmp_mb": 600},
        "30_grid": fetching
        | SMALL
        | {
            "function": "t-grid",
            "file_kb": [3],
            "concurrency": [1, 2],
            "repeats": 1,
            "shards_per_execution": 2,
            "run_folder": str(folder / "grid"),
        },
        "40_million": fetching
        | {"function": "t-million", "run_folder": str(folder / "million")},
        "50_fleet": {"draws": 50, "file_kb": 10, "concurrency": 100, "files": 10_000},
        "99_tear_down": there | {"function": "t-kept"},
    }
    for name in NAMES:
        if name == "99_tear_down":
            assert status(target, "t-kept").state == "Active"
        if name in given:
            execute(name, folder / f"{name}.ipynb", given[name])
    return folder


def outputs_of(path):
    return [output for cell in cells_of(path) for output in cell.outputs]


def executed_notebooks(folder):
    """Every notebook that was executed; ``20_fan_out`` was by the grid, twice."""
    found = sorted(folder.rglob("*.ipynb"))
    assert {path.stem for path in found} == set(NAMES)
    return found


def test_papermill_executes_every_cell_of_every_notebook(executed):
    for path in executed_notebooks(executed):
        assert all(cell.execution_count for cell in cells_of(path)), path
        assert not any(output.output_type == "error" for output in outputs_of(path))


def test_nothing_in_an_executed_notebook_is_red(executed):
    """
    JupyterLab paints standard error red, and a reader stops trusting the rest.
    """
    for path in executed_notebooks(executed):
        for output in outputs_of(path):
            said = json.dumps(output)

            assert output.get("name") != "stderr", said
            assert "Warning" not in said
            assert "application/vnd.jupyter.widget-view+json" not in said


def test_each_chart_appears_once_in_its_notebook(executed):
    for path in (executed / "30_grid.ipynb", *executed.rglob("20_fan_out.ipynb")):
        pictures = [
            "image/png" in output.get("data", {}) for output in outputs_of(path)
        ]

        assert sum(pictures) == len(list(Path(path).parent.glob("*.png"))) or (
            path.stem == "30_grid" and sum(pictures) == 3
        )


def test_parameters_reach_the_notebook(executed):
    shown = "".join(
        str(output.get("text", output.get("data", "")))
        for output in outputs_of(executed / "00_start_here.ipynb")
    )

    assert "files: 7; shards: 1, of 7 files at most" in shown
    assert "connections in each: 4" in shown


@pytest.mark.usefixtures("executed")
def test_deploying_leaves_the_function_and_tearing_down_removes_it(target):
    left = status(target, "t-kept")

    assert (left.state, left.role, left.log_group) == (ABSENT, "", "")


@pytest.mark.usefixtures("executed")
@pytest.mark.parametrize("function", ["t-start", "t-grid", "t-million"])
def test_notebooks_that_measure_leave_nothing_deployed(target, function):
    left = status(target, function)

    assert (left.state, left.role, left.log_group) == (ABSENT, "", "")


def test_a_grids_folder_holds_everything_and_a_folder_per_cell(executed):
    grid = executed / "grid"
    own = {"run.json", "reports.jsonl", "downloads.parquet", "shards.parquet"}
    names = {path.name for path in grid.iterdir()}

    assert own | {"runs.parquet", "3kB-c1-r1", "3kB-c2-r1"} <= names
    assert {"files_per_s.png", "timeline.png", "latency.png"} <= names
    for cell in ("3kB-c1-r1", "3kB-c2-r1"):
        assert own | {"timeline.png", "latency.png", "20_fan_out.ipynb"} <= {
            path.name for path in (grid / cell).iterdir()
        }


@pytest.mark.parametrize("cell", ["3kB-c1-r1", "3kB-c2-r1"])
def test_every_cell_accounts_for_every_url(executed, cell):
    folder = executed / "grid" / cell
    table = pd.read_parquet(folder / "downloads.parquet")
    record = read_run(folder)

    assert table["number"].tolist() == list(range(SMALL["files"]))
    assert table["url"].is_unique
    assert record["totals"]["files"] == SMALL["files"]
    assert sum(record["totals"]["counts"].values()) == SMALL["files"]
    assert record["totals"]["counts"]["ok"] == SMALL["files"]
    assert table["body_bytes"].tolist() == [3_000] * SMALL["files"]
    assert (table["target"] == "local").all()


@pytest.mark.parametrize("cell", ["3kB-c1-r1", "3kB-c2-r1"])
def test_a_cells_ledger_and_shards_agree(executed, cell):
    folder = executed / "grid" / cell
    invocations = list(read_invocations(folder))
    shards = pd.read_parquet(folder / "shards.parquet")
    concurrency = int(cell[5])

    assert len(invocations) == len(shards) == 2 * concurrency
    assert shards["files"].sum() == SMALL["files"]
    assert shards["execution"].nunique() <= concurrency
    assert sorted(shards["request_id"]) == sorted(one.request_id for one in invocations)


def test_a_runs_record_says_what_where_and_how_it_ended(executed):
    for folder in (executed / "grid", executed / "grid" / "3kB-c2-r1"):
        record = read_run(folder)

        assert {
            *("schema", "run", "known_as", "notebook", "target", "region", "settings"),
            *("commit", "dirty", "machine", "started", "ended", "totals", "verdict"),
        } == record.keys() - {"failed_cells", "cost"}
        assert record["run"] == folder.name
        assert SMALL.items() <= record["settings"].items()
        assert record["started"] < record["ended"]


def test_a_grids_tables_are_its_cells_together(executed):
    downloads = pd.read_parquet(executed / "grid" / "downloads.parquet")
    runs = pd.read_parquet(executed / "grid" / "runs.parquet")

    assert runs["concurrency"].tolist() == [1, 2]
    assert (runs["ok"] == SMALL["files"]).all()
    assert len(downloads) == 2 * SMALL["files"]
    assert len(list(read_invocations(executed / "grid"))) == 2 + 4


def test_a_verdict_from_this_machine_does_not_claim_more(executed):
    """
    Twelve files are projected to a million, here, and the sentence says both.
    """
    for folder in (executed / "grid", executed / "grid" / "3kB-c1-r1"):
        said = read_run(folder)["verdict"]

        assert said.startswith("On this machine")
        assert "would take" in said
