"""The rules that notebooks keep."""

import ast
import json
import re
from dataclasses import fields
from pathlib import Path

import nbformat
import papermill
import pytest
import yaml
from tests.support.notebook_cells import FOLDER, NAMES, PATHS, cells_of

from experiment.parameters.comparison import CompareSettings
from experiment.parameters.fan_out import FanOutSettings
from experiment.parameters.fleet import FleetSettings
from experiment.parameters.grid import GridSettings
from experiment.parameters.project_root import root
from experiment.parameters.settings import DeploySettings, Settings

MOST_LINES = 15
CHECKED = "nbval-check-output"
KINDS = {
    kind.__name__: kind
    for kind in (
        *(Settings, DeploySettings, FanOutSettings, GridSettings),
        *(CompareSettings, FleetSettings),
    )
}
DECLARE_ALL = {"10_deploy", "20_fan_out", "30_grid", "40_million"}
SMALLER_AT_THE_START = {("00_start_here", "files")}

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
    return KINDS[name]


def names_of_settings(path):
    return {item.name for item in fields(settings_class(path))}


@each
def test_a_notebook_is_valid_without_outputs_and_for_a_kernel_every_machine_has(path):
    """
    Somebody's conda kernel would stop papermill and nbval, and Lab would not tell.
    """
    notebook = nbformat.read(path, as_version=4)
    clear_it = (
        f"{path.name} was run and saved. Clear it: .venv/bin/python -m jupyter "
        f"nbconvert --clear-output --inplace notebooks/{path.name}"
    )

    nbformat.validate(notebook)
    assert notebook.metadata.kernelspec.name == "python3"
    assert notebook.metadata.kernelspec.language == "python"
    assert not re.search(r"conda|venv", json.dumps(notebook.metadata))
    for cell in cells_of(path):
        if CHECKED in cell.metadata.get("tags", ()):
            assert cell.execution_count, "nbval compares only what was run"
            continue
        assert not cell.outputs, clear_it
        assert cell.execution_count is None, clear_it


@each
def test_a_notebook_opens_with_its_question_and_tells_its_method_before_the_run(path):
    cells = nbformat.read(path, as_version=4).cells
    headings = [
        (position, line)
        for position, cell in enumerate(cells)
        if cell.cell_type == "markdown"
        for line in cell.source.splitlines()
        if re.match("##? ", line)
    ]
    ((first, title),) = (one for one in headings if one[1].startswith("# "))
    (run,) = (position for position, line in headings if line.startswith("## Run"))

    assert first == 0
    assert re.fullmatch(rf"# {path.stem[:2]} · .*\?", title)
    assert [cell.cell_type for cell in cells[:2]] == ["markdown"] * 2
    assert [line for _, line in headings[1:3]] == ["## Parameters", "## Set-up"]
    assert cells[run + 1].cell_type == "code"
    assert headings[-1][1] == "## What it means"


@each
def test_papermill_sees_every_parameter_with_its_help_and_type(path):
    """
    `name: type = value  # what it is`: papermill shows exactly that as help.
    """
    first, *lines = parameters_cell(path).source.splitlines()
    nodes = ast.parse(parameters_cell(path).source).body
    seen = papermill.inspect_notebook(path)

    assert first.startswith("# ")
    for line in lines:
        assert re.fullmatch(r"\w+: [\w\[\]]+ = .+  # \S.*|# [A-Z].+\.", line), line
    assert {name: one["inferred_type_name"] for name, one in seen.items()} == {
        node.target.id: ast.unparse(node.annotation) for node in nodes
    }
    assert all(one["help"] for one in seen.values())
    for node in nodes:
        ast.literal_eval(node.value)  # a plain value, nothing that is called


@each
def test_every_parameter_is_a_setting_of_the_same_type_and_default(path):
    """
    A parameter that no setting reads would change nothing, and nobody would know.
    """
    defaults, namespace = settings_class(path)(), {}
    exec(parameters_cell(path).source, namespace)
    shown = set(papermill.inspect_notebook(path))

    assert shown <= names_of_settings(path)
    assert shown == names_of_settings(path) or path.stem not in DECLARE_ALL
    for name in shown:
        default = getattr(defaults, name)
        assert type(namespace[name]) is type(default), name
        if (path.stem, name) not in SMALLER_AT_THE_START:
            assert namespace[name] == default, name


@each
def test_cells_are_short_define_nothing_and_never_leave_to_another_python(path):
    """
    Functions live in the package. `!python` is whichever comes first in PATH, and a
    failing `!` passes everywhere.
    """
    flags = ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    definitions = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)
    for cell in cells_of(path):
        most = (
            2 * MOST_LINES if re.match("from |import |# ", cell.source) else MOST_LINES
        )

        assert is_parameters(cell) or len(cell.source.splitlines()) <= most, cell.source
        assert not re.search(r"^\s*[!%]", cell.source, re.MULTILINE)
        assert "asyncio.run(" not in cell.source
        nodes = ast.walk(compile(cell.source, "cell", "exec", flags))
        assert not any(isinstance(node, definitions) for node in nodes)


@each
def test_a_notebook_names_notebooks_that_exist_and_no_place_of_this_machine(path):
    text = path.read_text()

    for cell in cells_of(path, "markdown"):
        assert set(re.findall(r"`(\d\d_\w+)`", cell.source)) <= set(NAMES)
    assert str(root()) not in text
    assert str(Path.home()) + "/" not in text
    assert not re.search(r"/(home|Users|tmp)/", text)


def test_files_of_parameters_fit_the_notebook_they_are_for_and_others_that_name_them():
    """
    Their names begin with the notebook's, as in `20_fan_out-aws.yaml`.
    """
    files = {
        path: yaml.safe_load(path.read_text()) for path in FOLDER.glob("settings/*")
    }
    assert set(NAMES) > DECLARE_ALL
    for path, given in files.items():
        (name,) = (name for name in NAMES if path.stem.startswith(name))
        notebook = FOLDER / f"{name}.ipynb"

        assert given.keys() <= papermill.inspect_notebook(notebook).keys(), path
        settings_class(notebook)(**given)
    for path in PATHS:
        accepted = any(
            names_of_settings(path) >= given.keys() for given in files.values()
        )

        assert accepted or "settings/" not in path.read_text(), path
