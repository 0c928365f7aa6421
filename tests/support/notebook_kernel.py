"""A notebook's cells in a kernel of its own, as JupyterLab runs them."""

from contextlib import contextmanager
from time import monotonic

import psutil
from jupyter_client.manager import start_new_kernel
from jupyter_core.utils import run_sync
from tests.support.notebook_cells import FOLDER, cells_of, draws
from tests.support.waiting import WAIT_S


class NotebookKernel:
    """A kernel that runs the cells of a notebook. Made by `notebook_kernel`."""

    def __init__(self, manager, client, name):
        self._manager = manager
        self._client = client
        self._cells = [
            cell for cell in cells_of(FOLDER / f"{name}.ipynb") if not draws(cell)
        ]
        self.pid = manager.provisioner.pid

    def run_all(self, parameters, *, seen=None):
        """
        Run all cells but charts until one fails, with other parameters.

        Args:
            parameters: The values to write into the parameters cell.

            seen: Called with each text that is printed; once it returns True the kernel
                is interrupted.

        Returns:
            The last cell's outputs, and the seconds from the interrupt to its end.
        """
        outputs = []
        for cell in self._cells:
            source = cell.source
            if "parameters" in cell.metadata.get("tags", ()):
                given = [f"{name}: str = {one!r}" for name, one in parameters.items()]
                source = "\n".join([source, *given])
            outputs, took_s = self.run(source, seen)
            if any(one["msg_type"] == "error" for one in outputs):
                return outputs, took_s
        return outputs, None

    def run(self, source, seen):
        """Run one cell, as `run_all` does; return the same."""
        outputs, interrupted_at = [], None

        def show(message):
            nonlocal interrupted_at
            outputs.append({"msg_type": message["msg_type"], **message["content"]})
            text = message["content"].get("text", "")
            if interrupted_at is None and seen and seen(text):
                interrupted_at = monotonic()
                self._manager.interrupt_kernel()

        self._client.execute_interactive(
            source, timeout=WAIT_S, output_hook=show, allow_stdin=False
        )
        took_s = monotonic() - interrupted_at if interrupted_at else None
        return outputs, took_s

    def children(self):
        """Return the processes that it and its children started."""
        return psutil.Process(self.pid).children(recursive=True)


@contextmanager
def notebook_kernel(name):
    quiet = ["--IPKernelApp.log_level=CRITICAL"]
    manager, client = start_new_kernel(cwd=str(FOLDER), extra_arguments=quiet)
    try:
        yield NotebookKernel(manager, client, name)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def forget_all(manager):
    """Remove the names a notebook has defined, which the next must do without."""
    client = manager.client()
    client.start_channels()
    run_sync(client.wait_for_ready)(timeout=WAIT_S)
    run_sync(client.execute_interactive)("%reset -f", timeout=WAIT_S)
