"""Notebooks as batch jobs: kernels started, shared and stopped, cells executed."""

from __future__ import annotations

import os
import signal
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir
from typing import TYPE_CHECKING, Any

import papermill
from jupyter_client.manager import AsyncKernelManager
from jupyter_core.utils import run_sync

from experiment.ledger.machine import root
from experiment.run.full_disk import Stdout, writing

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import TextIO

_KERNEL = "python3"
_LONGEST_CELL_S = 3_600  # of a grid's cell; a whole grid may take as long as it takes
_KERNEL_READY_WITHIN_S = 60
# After an interrupt: to remove the function from AWS takes some ten calls.
_STOPS_WITHIN_S = 60
# Otherwise the kernel warns, in red, that loopback is not encrypted, and after Ctrl-C
# that its socket is gone; errors of cells arrive another way. Cells also stay out of
# the user's own history.
_QUIET = [
    "--IPKernelApp.log_level=CRITICAL",
    "--HistoryManager.hist_file=:memory:",
]
_RUNTIME_FOLDER = "JUPYTER_RUNTIME_DIR"


class _Manager(AsyncKernelManager):
    """A kernel manager that disconnects one notebook before it serves the next."""

    _latest: Any = None

    def client(self, **options: object) -> Any:  # noqa: ANN401 - the base promises less
        """Return a client of the kernel."""
        self.hang_up()
        self._latest = super().client(**options)
        return self._latest

    def hang_up(self) -> None:
        """Close the channels of the latest client."""
        if self._latest:
            self._latest.stop_channels()


@contextmanager
def kernel(environ: Mapping[str, str] | None = None) -> Iterator[AsyncKernelManager]:
    """
    Keep one kernel for several notebooks.

    Starting one and importing pandas and matplotlib take longer than a small run.
    """
    with _runtime_folder() as folder:
        manager = _Manager(
            kernel_name=_KERNEL, connection_file=str(folder / "kernel.json")
        )
        try:
            with _interrupt_delayed(), writing(folder):
                _start(manager, folder, environ or {})
            yield manager
        except KeyboardInterrupt:
            _stop_cell(manager)
            raise
        finally:
            manager.hang_up()
            if manager.has_kernel:
                run_sync(manager.shutdown_kernel)()


def execute(
    notebook: str,
    output: Path,
    parameters: dict[str, Any],
    *,
    stdout: TextIO | None = None,
    manager: AsyncKernelManager | None = None,
) -> None:
    """
    Execute a notebook through papermill.

    Args:
        notebook: Its name, as in ``20_fan_out``.

        output: Where the executed notebook goes.

        parameters: The values that override its parameters cell.

        stdout: Where to show what it prints meanwhile; None: nowhere.

        manager: The kernel to use; None: one of its own.

    Raises:
        papermill.exceptions.PapermillExecutionError: If a cell raised.

        NoRoomError: If a disk is full: for the executed notebook, the kernel's
            temporary files or stdout.
    """
    folder = root() / "notebooks"
    with (
        writing(output),
        nullcontext(manager) if manager else kernel() as kernel_manager,
    ):
        output.parent.mkdir(parents=True, exist_ok=True)
        papermill.execute_notebook(
            folder / f"{notebook}.ipynb",
            output,
            parameters=parameters,
            cwd=folder,
            kernel_name=_KERNEL,
            progress_bar=False,
            stdout_file=stdout and Stdout(stdout),
            execution_timeout=_LONGEST_CELL_S if manager else None,
            km=kernel_manager,
            request_save_on_cell_execute=manager is None,
        )


def _start(
    manager: AsyncKernelManager, folder: Path, environ: Mapping[str, str]
) -> None:
    run_sync(manager.start_kernel)(
        extra_arguments=_QUIET,
        cwd=root() / "notebooks",
        env={**os.environ, **environ, _RUNTIME_FOLDER: str(folder)},
    )
    client = manager.client()
    client.start_channels()
    run_sync(client.wait_for_ready)(timeout=_KERNEL_READY_WITHIN_S)


def _stop_cell(manager: _Manager) -> None:
    """
    Interrupt the cell at work, and let it finish what it does then.

    A kernel is in no terminal's process group, so Ctrl-C never reaches it by itself. A
    run removes its function from AWS when it is interrupted; ending the kernel would
    leave it there, at work.
    """
    if not manager.has_kernel:
        return
    run_sync(manager.interrupt_kernel)()
    client = manager.client()
    client.start_channels()
    with suppress(RuntimeError):  # it ended, or took too long
        run_sync(client.wait_for_ready)(timeout=_STOPS_WITHIN_S)


@contextmanager
def _interrupt_delayed() -> Iterator[None]:
    """Delay Ctrl-C: a half-started kernel can neither be used nor ended."""
    signals: list[int] = []
    number = signal.SIGINT
    handler = signal.signal(number, lambda number, _: signals.append(number))
    try:
        yield
    finally:
        signal.signal(number, handler)
    if signals:
        signal.raise_signal(number)


@contextmanager
def _runtime_folder() -> Iterator[Path]:
    """
    Make a folder for connection files.

    A kernel started from another has its folder inside that one's, so that nothing is
    left of either, however that one ends.
    """
    outer = Path(os.environ.get(_RUNTIME_FOLDER) or gettempdir())
    outer.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix="kernel-", dir=outer) as folder:
        yield Path(folder)
