"""The notebook that runs in this kernel, with what its cells have shown so far."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import nbformat
from IPython.core.getipython import get_ipython

from experiment.parameters.project_root import root
from experiment.report.notebook_html import is_of_parameters, read_notebook

if TYPE_CHECKING:
    from nbformat import NotebookNode

_V4: Any = nbformat.v4  # its functions have no types
_SET_UP = "open_session("  # what every notebook with results begins with
_LEFT_OUT = (
    "*Code cells left out because they did not run, or were changed after the notebook "
    "was last saved: {}.*"
)
_STREAMS = {"out_stream": "stdout", "err_stream": "stderr"}


def notebook_here(name: str) -> NotebookNode | None:
    """
    Return a notebook as its kernel knows it; None: this process is no kernel.

    JupyterLab saves outputs only now and then, and tells no kernel of them. IPython
    keeps them by the number of the execution; a cell is found by its source.

    Args:
        name: The notebook's, as in ``20_fan_out``. One that JupyterLab has open may be
            an edited copy of it, and is taken instead.

    Returns:
        Its text, its imports, and the code that ran since the last set-up, but no cell
        that was changed since the file was saved; it then says so at its end.
    """
    shell: Any = get_ipython()
    if shell is None:
        return None
    history, notebook = shell.history_manager, read_notebook(_path(shell, name))
    inputs = list(enumerate(history.input_hist_raw))
    began = max((number for number, source in inputs if _SET_UP in source), default=0)
    cells = [cell for cell in notebook.cells if not is_of_parameters(cell)]
    imports = next((cell.source for cell in cells if cell.cell_type == "code"), "")
    latest = {
        source: number
        for number, source in inputs
        if number >= began or (source == imports and _SET_UP not in source)
    }
    notebook.cells = []
    for cell in cells:
        if cell.cell_type == "code":
            number = latest.get(cell.source.rstrip("\n"))
            if number is None:
                continue
            cell.execution_count = number
            shown = history.outputs.get(number, ())
            cell.outputs = [_output(one, number) for one in shown]
        notebook.cells.append(cell)
    if missing := len(cells) - len(notebook.cells):
        notebook.cells.append(_V4.new_markdown_cell(_LEFT_OUT.format(missing)))
    return notebook


def _path(shell: Any, name: str) -> Path:  # noqa: ANN401 - a shell of any kind
    opened = Path(shell.user_ns.get("__session__", ""))
    is_there = opened.suffix == ".ipynb" and opened.exists()
    return opened if is_there else root() / "notebooks" / f"{name}.ipynb"


def _output(kept: Any, number: int) -> NotebookNode:  # noqa: ANN401 - IPython's
    if stream := _STREAMS.get(kept.output_type):
        text = "".join(kept.bundle["stream"])
        output: NotebookNode = _V4.new_output("stream", name=stream, text=text)
        return output
    output = _V4.new_output(kept.output_type, kept.bundle)
    if kept.output_type == "execute_result":
        output.execution_count = number
    return output
