"""Notebooks as batch jobs: kernels started and stopped, cells executed, full disks."""

from __future__ import annotations

import ast
import os
import signal
import sys
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir
from typing import TYPE_CHECKING, Any

import papermill
from jupyter_client.asynchronous.client import AsyncKernelClient
from jupyter_client.manager import AsyncKernelManager
from jupyter_core.utils import run_sync

from experiment.ledger.full_disk import Stdout, writing
from experiment.parameters.project_root import root
from experiment.report.notebook_html import read_notebook

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import BinaryIO, TextIO

_NOTEBOOKS = root() / "notebooks"
_KERNEL = "python3"
_LONGEST_CELL_S = 3_600  # of a grid's cell; a whole grid may take as long as it takes
_KERNEL_READY_WITHIN_S = 60
# After an interrupt: to remove the function from AWS takes some ten calls.
_STOPS_WITHIN_S = 60
# Otherwise the kernel warns, in red, that loopback is not encrypted; after Ctrl-C, or
# as it ends, that sockets are gone; errors of cells arrive another way. Cells also stay
# out of the user's own history, and what they display in the kernel's, for the report.
_OPTIONS = [
    "--IPKernelApp.log_level=CRITICAL",
    "--IPKernelApp.exec_lines=import logging",
    "--IPKernelApp.exec_lines=logging.getLogger('tornado.general').disabled = True",
    "--HistoryManager.hist_file=:memory:",
    "--ZMQDisplayPublisher.store_display_history=True",
]
_RUNTIME_FOLDER = "JUPYTER_RUNTIME_DIR"


class _Client(AsyncKernelClient):
    """A client that is ready once for all: each time, it would wait for 0.2 s."""

    _is_connected = _is_ready = False

    def start_channels(self, *which: bool, **named: bool) -> None:
        """Connect, unless it is connected."""
        if not self._is_connected:
            super().start_channels(*which, **named)
            self._is_connected = True

    async def wait_for_ready(self, timeout: float | None = None) -> None:  # noqa: ASYNC109
        """Wait until the kernel answers for the first time."""
        if not self._is_ready:
            await super().wait_for_ready(timeout)
            self._is_ready = True


class Kernel(AsyncKernelManager):
    """A kernel's manager, whose client serves one notebook after the other."""

    client_factory = _Client
    shutdown_wait_time = 60.0  # for a session's processes, which end in its background
    _client: Any = None
    _stderr: Path | None = None
    _shown = 0  # characters of it

    def start(self, stderr: BinaryIO, **options: object) -> None:
        """
        Start it with its stderr in a file, which a restart keeps.

        A busy kernel that ends may complain there, which is of no use to anybody.
        """
        self._stderr = Path(stderr.name)
        run_sync(self.start_kernel)(stderr=stderr, **options)

    def stderr(self) -> str:
        """Return what it has said on its stderr so far."""
        return self._stderr.read_text(errors="replace") if self._stderr else ""

    def show_stderr(self) -> None:
        """Show what is new there on ours: it may say why the kernel died."""
        text = self.stderr()
        sys.stderr.write(text[self._shown :])
        self._shown = len(text)

    def client(self, **options: object) -> Any:  # noqa: ANN401 - the base promises less
        """Return the client of the kernel."""
        if not self._client:
            self._client = super().client(**options)
        return self._client

    def hang_up(self) -> None:
        """Close the channels of the client; the next one is another."""
        if self._client:
            self._client.stop_channels()
            self._client = None


@contextmanager
def kernel(environ: Mapping[str, str] | None = None) -> Iterator[Kernel]:
    """
    Keep one kernel for several notebooks.

    Starting one and importing pandas and matplotlib take longer than a small run.
    """
    with _started(environ) as manager, passing_on_interrupts(manager):
        yield manager


@contextmanager
def early_kernel(
    notebook: str, environ: Mapping[str, str] | None = None
) -> Iterator[Kernel]:
    """
    Keep one kernel for several runs of a notebook, and return while it still starts.

    It imports what the notebook needs, which can use the time of something else. In the
    end it is killed: its cells have ended, or `passing_on_interrupts` waited for them.
    """
    with _started(environ, is_early=True) as manager:
        client = manager.client()
        client.start_channels()
        client.execute(_imports_of(notebook), silent=True, store_history=False)
        yield manager


@contextmanager
def passing_on_interrupts(manager: Kernel) -> Iterator[None]:
    """
    Interrupt the cell at work, too, and let it finish what it does then.

    A kernel is in no terminal's process group, so Ctrl-C never reaches it by itself. A
    run removes its function from AWS when it is interrupted; ending the kernel would
    leave it there, at work.
    """
    try:
        yield
    except KeyboardInterrupt:
        if manager.has_kernel:
            run_sync(manager.interrupt_kernel)()
            with suppress(RuntimeError):  # it ended, or took too long
                _wait_for(manager, _STOPS_WITHIN_S)
        raise


def execute(
    notebook: str,
    output: Path,
    parameters: dict[str, Any],
    *,
    stdout: TextIO | None = None,
    manager: Kernel | None = None,
) -> None:
    """
    Execute a notebook, named as in ``20_fan_out``, through papermill.

    What it prints meanwhile is shown on stdout, if there is one. Without a manager it
    has a kernel of its own.

    Raises:
        papermill.exceptions.PapermillExecutionError: If a cell raised.

        NoRoomError: If a disk is full: for the executed notebook, the kernel's
            temporary files or stdout.
    """
    with (
        writing(output),
        nullcontext(manager) if manager else kernel() as kernel_manager,
    ):
        output.parent.mkdir(parents=True, exist_ok=True)
        try:
            papermill.execute_notebook(
                _NOTEBOOKS / f"{notebook}.ipynb",
                output,
                parameters=parameters,
                cwd=_NOTEBOOKS,
                kernel_name=_KERNEL,
                progress_bar=False,
                stdout_file=stdout and Stdout(stdout),
                execution_timeout=_LONGEST_CELL_S if manager else None,
                km=kernel_manager,
                request_save_on_cell_execute=manager is None,
            )
        except RuntimeError:  # it died, or never answered
            kernel_manager.show_stderr()
            raise


@contextmanager
def _started(
    environ: Mapping[str, str] | None, *, is_early: bool = False
) -> Iterator[Kernel]:
    """Start a kernel, wait until it is ready unless `is_early`, and end it."""
    with _runtime_folder() as folder, _stderr_in(folder) as stderr:
        manager = Kernel(
            kernel_name=_KERNEL, connection_file=str(folder / "kernel.json")
        )
        is_killed = True  # before it has run a cell: it would take ten seconds to end
        try:
            with _interrupt_delayed(), writing(folder):
                manager.start(
                    stderr,
                    extra_arguments=_OPTIONS,
                    cwd=_NOTEBOOKS,
                    env={**os.environ, **(environ or {}), _RUNTIME_FOLDER: str(folder)},
                )
                if not is_early:
                    _wait_until_ready(manager)
            is_killed = is_early
            yield manager
        finally:
            manager.hang_up()
            if manager.has_kernel:
                run_sync(manager.shutdown_kernel)(now=is_killed)


@contextmanager
def _stderr_in(folder: Path) -> Iterator[BinaryIO]:
    with writing(folder):
        file = (folder / "stderr").open("ab")
    with file:
        yield file


def _wait_until_ready(manager: Kernel) -> None:
    try:
        _wait_for(manager, _KERNEL_READY_WITHIN_S)
    except RuntimeError:  # it died, or never answered
        manager.show_stderr()
        raise


def _wait_for(manager: Kernel, within_s: float) -> None:
    """Wait until a kernel answers."""
    manager.hang_up()
    client = manager.client()
    client.start_channels()
    run_sync(client.wait_for_ready)(timeout=within_s)


def _imports_of(notebook: str) -> str:
    """Return the statements by which a notebook imports modules."""
    cells = read_notebook(_NOTEBOOKS / f"{notebook}.ipynb").cells
    parsed = [ast.parse(cell.source) for cell in cells if cell.cell_type == "code"]
    kinds = (ast.Import, ast.ImportFrom)
    found = (one for tree in parsed for one in tree.body if isinstance(one, kinds))
    return "\n".join(map(ast.unparse, found))


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
