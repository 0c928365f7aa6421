"""The notebooks, their cells, and a way to run these in this very process."""

import ast
import asyncio
import inspect

import nbformat

from experiment.command import arguments
from experiment.parameters.project_root import root

FOLDER = root() / "notebooks"
PATHS = sorted(FOLDER.glob("*.ipynb"))
NAMES = [path.stem for path in PATHS]


def cells_of(path, kind="code"):
    notebook = nbformat.read(path, as_version=4)
    return [cell for cell in notebook.cells if cell.cell_type == kind]


def draws(cell):
    """Tell whether a cell does nothing but to draw a chart."""
    return cell.source.startswith("run.save_chart(")


def run_cells(name, parameters):
    """
    Run a notebook's code with other parameters, and return its variables.

    What a test has patched stays so. As in a kernel, cells may await, and share one
    event loop. Charts are left out: they take most of the time, and tests/notebooks
    draws them.
    """
    notebook = nbformat.read(FOLDER / f"{name}.ipynb", as_version=4)
    namespace = {}

    async def run():
        for cell in notebook.cells:
            if cell.cell_type != "code" or draws(cell):
                continue
            flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
            code = compile(cell.source, f"{name}: {cell.id}", "exec", flags=flags)
            done = eval(code, namespace)
            if inspect.isawaitable(done):
                await done
            if "parameters" in cell.metadata.get("tags", ()):
                assert parameters.keys() <= namespace.keys()
                namespace.update(parameters)

    asyncio.run(run())
    return namespace


def resume_in_process(folder, **more):
    """Do what ``python -m experiment resume`` does with a run, without a kernel."""
    options = [word for one in more.items() for word in ("-p", *map(str, one))]
    return run_cells(*arguments.read(["resume", str(folder), *options]))
