"""The rules that notebooks keep."""

import ast
import json
import re
from dataclasses import MISSING, fields
from pathlib import Path

import nbformat
import papermill
import pytest
import yaml
from tests.support.notebook_cells import FOLDER, NAMES, PATHS, cells_of

from experiment.ledger.machine import root
from experiment.parameters.compare_runs import CompareSettings
from experiment.parameters.fan_out import FanOutSettings
from experiment.parameters.fleet import FleetSettings
from experiment.parameters.grid import GridSettings
from experiment.parameters.settings import DeploySettings, Settings

MOST_LINES = 15
CHECKED = "nbval-check-output"

each = pytest.mark.parametrize("path", PATHS, ids=NAMES)


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
        for k in (
            *(Settings, DeploySettings, FanOutSettings, GridSettings),
            CompareSettings,
            FleetSettings,
        )
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
        assert re.fullmatch(r"\w+: [\w\[\]]+ = .+  # \S.*|# [A-Z].+\.", line), line
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


@each
def test_a_notebook_that_points_to_the_files_of_settings_accepts_one_of_them(path):
    known = {item.name for item in fields(settings_class(path))}
    given = [yaml.safe_load(file.read_text()) for file in FOLDER.glob("settings/*")]
    accepted = any(known >= parameters.keys() for parameters in given)

    assert accepted or "settings/" not in path.read_text()
