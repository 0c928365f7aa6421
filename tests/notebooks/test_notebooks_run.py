"""What notebooks leave when papermill runs them with other parameters."""

import json
import re

import pandas as pd
import pytest
from tests.support.notebook_cells import NAMES, cells_of
from tests.support.notebook_kernel import forget_all

from experiment.ledger.ledger_file import read_invocations
from experiment.ledger.run_folder import read_run
from experiment.run.notebook_execution import execute, kernel
from rollout.deploy.deployment import ABSENT, status

SMALL = {"files": 12, "connections": 3, "sink": "discard", "memory_mb": 512}
CELLS = [f"3kB-c2-{start}-r1" for start in ("cold", "warm")]

# What no reader of a report should meet: representations of objects, values cut short
# or unrounded, headings that are columns' names, headings of nothing.
NOT_FOR_READERS = [
    r"<[\w.]+ object",
    r"0x[0-9a-f]{6}",
    r"\b[A-Z]\w+\(\w+=",
    r"\.\.\.|…",
    r"\b(nan|NaN|None|True|False)\b",
    r"(?<![$.\d])\d+\.\d{6}",
    r"<th[^>]*>[^<]*_[^<]*</th>",
    r"<th[^>]*></th>",
    r"\(\)|\[\]|\['|\('",
]


@pytest.fixture(scope="module")
def executed(endpoint, target, tmp_path_factory):
    """
    Execute each notebook through papermill; return the folder they are in.

    They share a kernel, which forgets in between: most of a run is its start.
    """
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
            "concurrency": [2],
            "repeats": 1,
            "shards_per_execution": 2,
            "run_folder": str(folder / "grid"),
        },
        "40_million": fetching
        | {
            "function": "t-million",
            "duration_s": 0.3,
            "run_folder": str(folder / "million"),
        },
        "90_compare_runs": {"runs": [str(folder / "grid"), str(folder / "million")]},
        "50_fleet": {"draws": 5, "file_kb": 10, "concurrency": 100, "files": 10_000},
        "99_tear_down": there | {"function": "t-kept"},
    }
    with kernel() as manager:
        for name in NAMES:
            if name == "99_tear_down":
                assert status(target, "t-kept").state == "Active"
            if name in given:
                execute(name, folder / f"{name}.ipynb", given[name], manager=manager)
                forget_all(manager)
    return folder


def outputs_of(path):
    return [output for cell in cells_of(path) for output in cell.outputs]


def executed_notebooks(folder):
    """Every notebook that was executed; ``20_fan_out`` was by the grid, twice."""
    found = sorted(folder.rglob("*.ipynb"))
    assert {path.stem for path in found} == set(NAMES)
    return found


def test_papermill_executes_every_cell_and_nothing_in_a_notebook_is_red(executed):
    """
    JupyterLab paints standard error red, and a reader stops trusting the rest.
    """
    for path in executed_notebooks(executed):
        assert all(cell.execution_count for cell in cells_of(path)), path
        for output in outputs_of(path):
            said = json.dumps(output)

            assert output.output_type != "error", said
            assert output.get("name") != "stderr", said
            assert "Warning" not in said
            is_widget = "application/vnd.jupyter.widget-view+json" in said
            assert not is_widget or "text/html" in output.data  # for where it is none


def test_each_chart_appears_once_in_its_notebook(executed):
    for path in executed.rglob("20_fan_out.ipynb"):
        assert pictures_in(path) == len(list(path.parent.glob("*.png")))
    assert pictures_in(executed / "30_grid.ipynb") == 3


def pictures_in(path):
    return sum("image/png" in output.get("data", {}) for output in outputs_of(path))


def shown_in(path):
    """What a reader sees in the outputs of a notebook: the best that each one has."""
    for output in outputs_of(path):
        if "data" not in output:
            yield output.get("text", "")
            continue
        data = output.data
        for kind in ("text/html", "text/markdown", "image/png"):
            if kind in data:
                yield "" if kind == "image/png" else data[kind]
                break
        else:  # the representation of an object, such as a tuple or a bare 0
            assert output.output_type == "display_data", data
            yield data["text/plain"]


def test_every_output_reads_like_a_report(executed):
    for path in executed_notebooks(executed):
        for text in shown_in(path):
            for pattern in NOT_FOR_READERS:
                found = re.search(pattern, text)

                assert not found, f"{path.name} shows {found[0]!r}: {text}"


def test_a_deployment_shows_its_role_s_permissions_and_why_the_processor_is_another(
    executed,
):
    shown = "".join(shown_in(executed / "10_deploy.ipynb"))

    assert "logs:PutLogEvents" in shown
    assert re.search(r"arn:aws:lambda:[\w-]+:\d{12}:function:t-kept<", shown)
    assert "the local Lambda runs code here" in shown or "<td>arm64</td>" in shown


def test_a_pilot_finds_how_many_files_a_run_needs(executed):
    record = read_run(executed / "million")
    shown = "".join(shown_in(executed / "40_million.ipynb"))

    assert f"A pilot fetched {record['pilot']['files']:,} files" in shown
    assert record["settings"]["files"] == record["totals"]["files"] > 8
    assert record["totals"]["cold_executions"] > 0  # those of the pilot were replaced


def test_the_page_written_in_the_kernel_has_text_outputs_and_charts(executed):
    """
    As after Run All in JupyterLab: nobody else knows yet what the cells showed.
    """
    for name, said in (("grid", "Files/s, median"), ("million", "A pilot fetched")):
        page = (executed / name / "report.html").read_text()

        assert '<h2 id="Method">' in page
        assert said in page
        assert "<svg" in page
        assert "Code cells left out" not in page
        assert str(executed) not in page


def test_parameters_reach_the_notebook(executed):
    shown = "".join(shown_in(executed / "00_start_here.ipynb"))

    assert "files: 7; shards: 1, of 7 files at most" in shown
    assert "connections in each: 4" in shown


@pytest.mark.usefixtures("executed")
@pytest.mark.parametrize("function", ["t-kept", "t-start", "t-grid", "t-million"])
def test_notebooks_that_measure_or_tear_down_leave_nothing_deployed(target, function):
    left = status(target, function)

    assert (left.state, left.role, left.log_group) == (ABSENT, "", "")


def test_a_grids_folder_holds_everything_together_and_a_folder_per_cell(executed):
    grid = executed / "grid"
    own = {"run.json", "reports.jsonl", "downloads.parquet", "shards.parquet"}
    charts = {"timeline.png", "latency.png"}
    names = {path.name for path in grid.iterdir()}
    runs = pd.read_parquet(grid / "runs.parquet")

    assert own | charts | {"runs.parquet", "files_per_s.png", *CELLS} <= names
    for cell in CELLS:
        names = {path.name for path in (grid / cell).iterdir()}
        assert own | {"20_fan_out.ipynb"} <= names
        assert not names & charts  # `show` draws them
    assert runs["concurrency"].tolist() == [2, 2]
    assert runs["cold"].tolist() == [True, False]
    assert (runs["ok"] == SMALL["files"]).all()
    assert len(pd.read_parquet(grid / "downloads.parquet")) == 2 * SMALL["files"]
    assert len(list(read_invocations(grid))) == 2 * 4


@pytest.mark.parametrize("cell", CELLS)
def test_every_cell_accounts_for_every_url_in_all_its_tables(executed, cell):
    folder = executed / "grid" / cell
    table, shards = (
        pd.read_parquet(folder / f"{name}.parquet") for name in ("downloads", "shards")
    )
    totals, invocations = read_run(folder)["totals"], list(read_invocations(folder))

    assert table["number"].tolist() == list(range(SMALL["files"]))
    assert table["url"].is_unique
    assert table["body_bytes"].tolist() == [3_000] * SMALL["files"]
    assert (table["target"] == "local").all()
    assert totals["files"] == sum(totals["counts"].values()) == SMALL["files"]
    assert totals["counts"]["ok"] == shards["files"].sum() == SMALL["files"]
    assert shards["execution"].nunique() <= 2
    assert len(invocations) == 4
    assert sorted(shards["request_id"]) == sorted(one.request_id for one in invocations)


def test_a_runs_record_says_what_where_and_how_it_ended(executed):
    grid = executed / "grid"
    for folder, cells in ((grid, CELLS), (grid / CELLS[0], CELLS[:1])):
        record = read_run(folder)
        million_s = [read_run(grid / cell)["totals"]["million_s"] for cell in cells]

        assert {
            *("schema", "run", "known_as", "notebook", "target", "region", "settings"),
            *("commit", "dirty", "machine", "started", "ended", "totals", "verdict"),
        } == record.keys() - {"failed_cells", "cost", "pilot", "forecast"}
        assert record["run"] == folder.name
        # A busy machine may take more than a second.
        assert any(million_s) or "too short to project" in record["verdict"]
        assert SMALL.items() <= record["settings"].items()
        assert record["started"] < record["ended"]
