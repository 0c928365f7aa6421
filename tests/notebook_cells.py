"""A notebook's cells, run in this very process: what a test has patched stays so."""

import ast
import asyncio
import inspect

import nbformat

from experiment.machine import root


def run_cells(name, parameters):
    """
    Run a notebook's code with other parameters, and return its variables.

    As in a kernel, cells may await, and share one event loop.
    """
    notebook = nbformat.read(root() / "notebooks" / f"{name}.ipynb", as_version=4)
    namespace = {}

    async def run():
        for cell in notebook.cells:
            if cell.cell_type != "code":
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
