"""A grid of settings, each a run of ``20_fan_out`` through papermill."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import papermill
from papermill.exceptions import PapermillExecutionError
from traitlets.config import Config

from experiment.ledger import read_run
from experiment.machine import root

if TYPE_CHECKING:
    from pathlib import Path
    from typing import TextIO

    from experiment.ledger import Run
    from experiment.session import Session
    from experiment.settings import FanOutSettings, GridSettings

_CELL_NOTEBOOK = "20_fan_out"
_LONGEST_CELL_S = 3_600
# Without it the kernel complains, in red, that loopback is not encrypted.
_QUIET_KERNEL = Config({"KernelManager": {"transport_encryption": "auto"}})


class GridError(RuntimeError):
    """Some cells of the grid have no result."""


def execute(
    notebook: str,
    output: Path,
    parameters: dict[str, Any],
    stdout: TextIO | None = None,
) -> None:
    """
    Execute a notebook through papermill.

    Args:
        notebook: Its name, as in ``20_fan_out``.

        output: Where the executed notebook goes.

        parameters: What its parameters cell is overridden with.

        stdout: Where what it prints is shown meanwhile; None: nowhere.

    Raises:
        papermill.exceptions.PapermillExecutionError: If a cell raised.
    """
    folder = root() / "notebooks"
    output.parent.mkdir(parents=True, exist_ok=True)
    papermill.execute_notebook(
        folder / f"{notebook}.ipynb",
        output,
        parameters=parameters,
        cwd=folder,
        kernel_name="python3",
        progress_bar=False,
        stdout_file=stdout,
        execution_timeout=_LONGEST_CELL_S,
        config=_QUIET_KERNEL,
    )


def run_grid(
    settings: GridSettings, session: Session, run: Run
) -> list[dict[str, Any]]:
    """
    Measure every cell of the grid, one after the other, and say how each went.

    Args:
        settings: The grid.

        session: The target and origin that all cells share.

        run: The grid's run; each cell is a folder in it, and its reports are added.

    Returns:
        What each cell's ``run.json`` holds, in the order measured.

    Raises:
        GridError: If a cell failed. The others have been measured all the same.
    """
    cells = list(settings.cells())
    records, failed = [], []
    for number, cell in enumerate(cells, start=1):
        name = f"{cell.file_kb}kB-c{cell.concurrency}-r{cell.repeat}"
        try:
            record = _measure(cell, session, run.folder / name)
        except PapermillExecutionError as error:
            failed.append(name)
            said = f"failed: {error.ename}: {error.evalue}"
        else:
            run.absorb(run.folder / name)
            records.append(record)
            said = _said(record["totals"])
        print(f"[{number}/{len(cells)}] {name}: {said}", flush=True)
    if failed:
        msg = (
            f"{len(failed)} of {len(cells)} cells have no result: {', '.join(failed)}. "
            f"Their executed notebooks in {run.folder} show why."
        )
        raise GridError(msg)
    return records


def _measure(cell: FanOutSettings, session: Session, folder: Path) -> dict[str, Any]:
    parameters = cell.to_dict() | {
        "endpoint_url": session.target.endpoint_url,
        "origin_url": session.origin_url,
        "run_folder": str(folder),
    }
    execute(_CELL_NOTEBOOK, folder / f"{_CELL_NOTEBOOK}.ipynb", parameters)
    return read_run(folder)


def _said(figures: dict[str, Any]) -> str:
    ok, files = figures["counts"]["ok"], figures["files"]
    return (
        f"{figures['files_per_s']:,.0f} files/s, {figures['mb_per_s']:,.0f} MB/s, "
        f"{ok:,} of {files:,} ok"
    )
