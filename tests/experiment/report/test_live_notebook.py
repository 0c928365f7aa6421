"""A notebook as its kernel knows it, whatever its file says by then."""

import nbformat
import pytest
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from experiment.report import live_notebook

IMPORTS, SET_UP, RESULT = "open_session = print", "open_session('planned')", "6 * 7"


@pytest.fixture
def shell(monkeypatch, tmp_path):
    """A shell that has the notebook open whose cells it runs."""
    in_memory = Config({"HistoryManager": {"hist_file": ":memory:"}})
    shell = InteractiveShell(config=in_memory)
    v4 = nbformat.v4
    cells = [
        v4.new_markdown_cell("# 20 · Does it work?"),
        v4.new_code_cell("files = 1", metadata={"tags": ["parameters"]}),
        *(v4.new_code_cell(source) for source in (IMPORTS, SET_UP, RESULT, "page_of")),
    ]
    nbformat.write(v4.new_notebook(cells=cells), tmp_path / "copy.ipynb")
    shell.user_ns["__session__"] = str(tmp_path / "copy.ipynb")
    monkeypatch.setattr(live_notebook, "get_ipython", lambda: shell)
    yield shell
    shell.history_manager.outputs.clear()  # all shells share them
    shell.history_manager.end_session()


def run(shell, *sources):
    for source in sources:
        shell.run_cell(source, store_history=True)


def shown(notebook):
    return [
        [output.get("text") or output.data["text/plain"] for output in cell.outputs]
        for cell in notebook.cells
        if cell.cell_type == "code"
    ]


def test_a_cell_has_what_it_showed_last(shell):
    run(shell, IMPORTS, SET_UP, "6 * 8", SET_UP, RESULT, "page_of = 1", "page_of")
    found = live_notebook.notebook_here("20_fan_out")

    assert shown(found) == [[], ["planned\n"], ["42"], ["1"]]
    assert found.cells[0].source == "# 20 · Does it work?"
    nbformat.validate(found)


def test_what_an_earlier_run_showed_is_left_out_and_the_notebook_says_so(shell):
    run(shell, IMPORTS, SET_UP, RESULT, "page_of = 1")
    run(shell, SET_UP, "6 * 7  # changed", "page_of")
    found = live_notebook.notebook_here("20_fan_out")

    assert shown(found) == [[], ["planned\n"], ["1"]]
    assert found.cells[-1].source.endswith("was last saved: 1.*")


def test_outside_of_a_kernel_there_is_no_notebook():
    assert live_notebook.notebook_here("20_fan_out") is None
