"""
Notebooks: the rules they keep, and what they leave when they are run.

Each is run by nbval, with defaults but for a grid that is made small, an endpoint that
most share, and where results go; and each through papermill with other parameters.
"""

import ast
import json
import re
import shutil
import subprocess
import sys
from dataclasses import MISSING, fields
from pathlib import Path

import nbformat
import pandas as pd
import papermill
import pytest
import yaml

from experiment.fan_out_settings import FanOutSettings
from experiment.grid import execute
from experiment.grid_settings import GridSettings
from experiment.ledger import read_run
from experiment.machine import root
from experiment.reports import read_invocations
from experiment.settings import DeploySettings, Settings
from rollout.worker import ABSENT, status

FOLDER = root() / "notebooks"
PATHS = sorted(FOLDER.glob("*.ipynb"))
NAMES = [path.stem for path in PATHS]
MOST_LINES = 14
CHECKED = "nbval-check-output"

each = pytest.mark.parametrize("path", PATHS, ids=NAMES)


def cells_of(path, kind="code"):
    notebook = nbformat.read(path, as_version=4)
    return [cell for cell in notebook.cells if cell.cell_type == kind]


def is_parameters(cell):
    return "parameters" in cell.metadata.get("tags", ())


def parameters_cell(path):
    (cell,) = filter(is_parameters, cells_of(path))
    return cell


def settings_class(path):
    """The class whose `from_notebook` the notebook calls."""
    source = "\n".join(cell.source for cell in cells_of(path))
    (name,) = re.findall(r"(\w+)\.from_notebook\(globals\(\)", source)
    (kind,) = [
        k
        for k in (Settings, DeploySettings, FanOutSettings, GridSettings)
        if k.__name__ == name
    ]
    return kind


def default_of(item):
    return item.default_factory() if item.default is MISSING else item.default


def test_there_are_notebooks():
    assert {"00_start_here", "10_deploy", "20_fan_out", "30_grid"} <= set(NAMES)


@each
def test_a_notebook_is_valid(path):
    nbformat.validate(nbformat.read(path, as_version=4))


@each
def test_a_notebook_opens_with_its_question_and_has_no_other_title(path):
    titles = [
        (position, line)
        for position, cell in enumerate(nbformat.read(path, as_version=4).cells)
        if cell.cell_type == "markdown"
        for line in cell.source.splitlines()
        if line.startswith("# ")
    ]

    assert len(titles) == 1
    ((position, title),) = titles
    assert position == 0
    assert title.startswith(f"# {path.stem[:2]} · ")
    assert title.endswith("?")


@each
def test_a_notebook_has_one_parameters_cell_of_explained_assignments(path):
    """
    `name: type = value  # what it is`: papermill shows exactly that as help.
    """
    cell = parameters_cell(path)
    lines = cell.source.splitlines()

    assert lines[0].startswith("# ")
    for line in lines[1:]:
        assert re.fullmatch(r"\w+: [\w\[\]]+ = .+  # \S.*", line), line
    nodes = ast.parse(cell.source).body
    assert all(isinstance(node, ast.AnnAssign) for node in nodes)
    for node in nodes:
        ast.literal_eval(node.value)  # a plain value, nothing that is called


@each
def test_papermill_sees_every_parameter_with_its_help_and_type(path):
    seen = papermill.inspect_notebook(path)
    declared = {
        node.target.id: ast.unparse(node.annotation)
        for node in ast.parse(parameters_cell(path).source).body
    }

    assert {name: one["inferred_type_name"] for name, one in seen.items()} == declared
    assert all(one["help"] for one in seen.values())


@each
def test_every_parameter_is_a_setting_of_the_same_type_and_default(path):
    """
    A parameter that no setting reads would change nothing, and nobody would know.
    """
    known = {item.name: item for item in fields(settings_class(path))}
    namespace = {}
    exec(parameters_cell(path).source, namespace)
    shown = set(papermill.inspect_notebook(path))

    assert shown <= known.keys()
    for name in shown:
        default = default_of(known[name])
        assert type(namespace[name]) is type(default), name
        if name not in SMALLER_AT_THE_START or path.stem != "00_start_here":
            assert namespace[name] == default, name


SMALLER_AT_THE_START = {"files"}


@pytest.mark.parametrize("name", ["10_deploy", "20_fan_out", "30_grid", "40_million"])
def test_a_notebook_for_measuring_declares_every_setting_there_is(name):
    path = FOLDER / f"{name}.ipynb"
    shown = papermill.inspect_notebook(path)

    assert set(shown) == {item.name for item in fields(settings_class(path))}


@each
def test_a_notebook_names_the_kernel_that_every_machine_has(path):
    """
    Somebody's conda kernel would stop papermill and nbval, and Lab would not tell.
    """
    metadata = nbformat.read(path, as_version=4).metadata

    assert metadata.kernelspec.name == "python3"
    assert metadata.kernelspec.language == "python"
    assert not re.search(r"conda|venv", json.dumps(metadata))


@each
def test_a_notebook_is_stored_without_outputs(path):
    for cell in cells_of(path):
        if CHECKED in cell.metadata.get("tags", ()):
            assert cell.execution_count, "nbval compares only what was run"
            continue
        assert not cell.outputs, clear_it(path)
        assert cell.execution_count is None, clear_it(path)


def clear_it(path):
    return (
        f"{path.name} was run and saved. Clear it: .venv/bin/python -m jupyter "
        f"nbconvert --clear-output --inplace notebooks/{path.name}"
    )


@each
def test_functions_live_in_the_package_not_in_cells(path):
    for cell in cells_of(path):
        nodes = ast.walk(compiled(cell))
        kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)

        assert not any(isinstance(node, kinds) for node in nodes)


def compiled(cell):
    """The syntax tree; cells may await, and hold no magics."""
    flags = ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    return compile(cell.source, "cell", "exec", flags)


@each
def test_cells_are_short(path):
    for cell in cells_of(path):
        if is_parameters(cell):
            continue  # a line each
        imports_and_parameters = cell.source.startswith(("from ", "import ", "# "))
        most = 2 * MOST_LINES if imports_and_parameters else MOST_LINES

        assert len(cell.source.splitlines()) <= most, cell.source


@each
def test_words_come_before_the_run(path):
    """
    What is timed, and how, is said before anything is.
    """
    cells = nbformat.read(path, as_version=4).cells
    (run,) = (
        position
        for position, cell in enumerate(cells)
        if cell.cell_type == "markdown" and cell.source.startswith("## Run")
    )

    assert [cell.cell_type for cell in cells[:2]] == ["markdown"] * 2
    assert cells[run + 1].cell_type == "code"
    headings = [
        cell.source.splitlines()[0]
        for cell in cells
        if cell.cell_type == "markdown" and cell.source.startswith("## ")
    ]
    assert headings[:2] == ["## Parameters", "## Set-up"]
    assert headings[-1] == "## What it means"


@each
def test_a_notebook_names_no_place_of_this_machine(path):
    text = path.read_text()

    assert str(root()) not in text
    assert str(Path.home()) + "/" not in text
    assert not re.search(r"/(home|Users|tmp)/", text)


@each
def test_a_notebook_never_leaves_to_another_python(path):
    """
    `!python` is whichever comes first in PATH, and a failing `!` passes everywhere.
    """
    for cell in cells_of(path):
        assert not re.search(r"^\s*[!%]", cell.source, re.MULTILINE)
        assert "asyncio.run(" not in cell.source


@each
def test_notebooks_named_in_the_text_exist(path):
    for cell in cells_of(path, "markdown"):
        named = re.findall(r"`(\d\d_\w+)`", cell.source)

        assert set(named) <= set(NAMES)


def test_files_of_parameters_fit_the_notebook_they_are_for():
    """
    Their names begin with the notebook's, as in `20_fan_out-aws.yaml`.
    """
    for path in FOLDER.glob("settings/*"):
        (name,) = (name for name in NAMES if path.stem.startswith(name))
        given = yaml.safe_load(path.read_text())
        notebook = FOLDER / f"{name}.ipynb"

        assert given.keys() <= papermill.inspect_notebook(notebook).keys(), path
        settings_class(notebook)(**given)


# Running them

SMALL = {"files": 12, "connections": 3, "sink": "discard", "memory_mb": 512}


@pytest.fixture(scope="module")
def nbval(endpoint, tmp_path_factory):
    """Start nbval over every notebook; papermill goes on meanwhile."""
    folder = tmp_path_factory.mktemp("nbval")
    at_hand = {
        "endpoint_url": endpoint.endpoint_url,
        "origin_url": endpoint.origin_url,
        "function": "t-nbval",
    }
    small = {"concurrency": [1], "file_kb": [3], "repeats": 1}
    changed = {  # the first notebook starts an endpoint of its own
        "10_deploy": {"endpoint_url": endpoint.endpoint_url, "function": "t-nbval-too"},
        "99_tear_down": {"endpoint_url": endpoint.endpoint_url},
        "20_fan_out": at_hand | {"run_folder": str(folder / "fan-out")},
        "30_grid": at_hand | {"run_folder": str(folder / "grid")} | small,
        "40_million": at_hand | {"run_folder": str(folder / "million")},
    }
    for path in PATHS:
        copy = folder / path.name
        if path.stem in changed:
            papermill.execute_notebook(
                path, copy, changed[path.stem], prepare_only=True, progress_bar=False
            )
        else:
            shutil.copy(path, copy)
    command = [
        *(sys.executable, "-m", "pytest", "-q", "-c", str(root() / "pyproject.toml")),
        *("--nbval-lax", "--nbval-current-env", "--nbval-cell-timeout", "120"),
        *("-p", "no:cacheprovider", str(folder)),
    ]
    with subprocess.Popen(
        command,
        cwd=root(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as started:
        yield started
        if started.poll() is None:
            started.terminate()


@pytest.fixture(scope="module")
def executed(nbval, endpoint, target, tmp_path_factory):
    """Execute each notebook through papermill; return the folder they are in."""
    assert nbval.pid  # at work since now, on the other processor
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
        | {"function": "t-million", "files": 40, "run_folder": str(folder / "million")},
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
            *("schema", "run", "notebook", "target", "region", "settings", "commit"),
            *("dirty", "machine", "started", "ended", "totals", "verdict"),
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


@pytest.mark.usefixtures("executed")
def test_nbval_passes_over_every_notebook(nbval):
    """
    Last, for it ran meanwhile.
    """
    said, _ = nbval.communicate(timeout=300)
    cells = sum(len(cells_of(path)) for path in PATHS)

    assert nbval.returncode == 0, said
    # Those that were given other parameters have a cell more.
    assert re.search(rf"^{cells + 5} passed in", said, re.MULTILINE), said
