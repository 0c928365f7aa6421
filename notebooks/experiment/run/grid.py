"""A grid of settings: each cell is a run of ``20_fan_out`` through papermill."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd
from jupyter_core.utils import run_sync
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from papermill.exceptions import PapermillExecutionError

from experiment.cost import actual_cost, price_estimate, spending_limit
from experiment.ledger.run_folder import read_run
from experiment.plan.demand import demand_of
from experiment.plan.run_plan import make_plan
from experiment.run.grid_file_counts import GridFileCounts
from experiment.run.machine_load import Load
from experiment.run.notebook_execution import (
    early_kernel,
    execute,
    passing_on_interrupts,
)
from experiment.tables.projection.run_phases import steady_period
from rollout.errors import DeployError, PreflightError
from rollout.preflight import checks
from rollout.target.clients import DIES_WITHIN_S

if TYPE_CHECKING:
    from pathlib import Path

    from experiment.ledger.run_folder import Run
    from experiment.parameters.fan_out import FanOutSettings
    from experiment.parameters.grid import GridSettings
    from experiment.run.notebook_execution import Kernel
    from experiment.session import Session

_CELL_NOTEBOOK = "20_fan_out"
_SAMPLED_EVERY_S = 0.2  # of a second or more
# Errors of a cell in which nothing was invoked yet.
_BEFORE_ANY_CALL = {PreflightError.__name__, DeployError.__name__}
_NOTHING_LEFT = (
    "not measured: those that failed may have spent all of max_cost_usd; look at the "
    "account's bill, then raise it"
)


class GridError(RuntimeError):
    """Some cells of the grid have no result."""


def check_grid(settings: GridSettings, session: Session) -> None:
    """
    Plan every cell and check that the target can take it, before any runs.

    Raises:
        SettingsError: If the origin does not have files of each size.

        rollout.errors.PreflightError: If a cell cannot work there, or all of them
            together may cost too much.

        experiment.cost.spending_limit.DryRun: If the settings ask for no more.
    """
    prices = []
    for cell in settings.cells():
        plan = make_plan(_CELL_NOTEBOOK, cell, session)
        checks.check(session.target, demand_of(plan))
        prices.append(price_estimate.estimate(plan, session.target))
    print(price_estimate.price_of_grid(prices))
    spending_limit.check(settings, *prices)


def start_kernel(session: Session) -> Kernel:
    """Start the kernel of all cells; it gets ready while the function is deployed."""
    return session.hold(early_kernel(_CELL_NOTEBOOK, session.target.environ()))


def run_grid(
    settings: GridSettings, session: Session, run: Run, manager: Kernel
) -> list[dict[str, Any]]:
    """
    Measure every cell of the grid, one after the other, and print its figures.

    They share a kernel, from `start_kernel`.

    Returns:
        The ``run.json`` of each cell, in the order measured.

    Raises:
        GridError: If every cell failed. If only some did, `check_complete` raises it.

        local_aws.endpoint_error.EndpointError: If the endpoint ended by itself.
    """
    cells = list(settings.cells())
    records: list[dict[str, Any]] = []
    failed, spent = [], 0.0
    sizes = GridFileCounts()
    with passing_on_interrupts(manager):
        for number, planned in enumerate(cells, start=1):
            name, cell = settings.name_of(planned), sizes.of(planned)
            left_usd = settings.max_cost_usd - spent
            if left_usd <= 0:
                failed.append(name)
                print(f"[{number}/{len(cells)}] {name}: {_NOTHING_LEFT}", flush=True)
                continue
            try:
                record = _measure(cell, left_usd, session, run.folder / name, manager)
            except PapermillExecutionError as error:
                failed.append(name)
                if error.ename not in _BEFORE_ANY_CALL:
                    spent += _at_most_usd(cell, left_usd, session)
                session.target.check_alive(DIES_WITHIN_S)
                message = f"failed: {error.ename}: {error.evalue}"
            except (DeadKernelError, CellTimeoutError) as error:
                failed.append(name)
                spent += _at_most_usd(cell, left_usd, session)
                message = f"failed: {type(error).__name__}"
                manager.hang_up()
                run_sync(manager.restart_kernel)(now=True)
            else:
                run.reports.absorb(run.folder / name)
                if not planned.files:
                    record.setdefault("pilot", {})
                    sizes.learn(cell, run.folder / name)
                records.append(record)
                spent += actual_cost.spent_at_most(record)
                message = _figures(record["totals"])
            print(f"[{number}/{len(cells)}] {name}: {message}", flush=True)
    run.record["failed_cells"] = failed
    if not records:
        check_complete(run)
    return records


def check_complete(run: Run) -> None:
    """
    Check that every cell of the grid has a result.

    Raises:
        GridError: If not, naming the cells.
    """
    if failed := run.record["failed_cells"]:
        msg = (
            f"There is no result for {', '.join(failed)}. The executed notebooks in "
            f"{run.folder} show why."
        )
        raise GridError(msg)


def _measure(
    cell: FanOutSettings,
    left_usd: float,
    session: Session,
    folder: Path,
    manager: Kernel,
) -> dict[str, Any]:
    parameters = cell.to_dict() | {
        "max_cost_usd": max(left_usd, 1e-9),
        "endpoint_url": session.target.endpoint_url,
        "origin_url": session.origin_url,
        "run_folder": str(folder),
    }
    with Load(_SAMPLED_EVERY_S) as load:
        output = folder / f"{_CELL_NOTEBOOK}.ipynb"
        execute(_CELL_NOTEBOOK, output, parameters, manager=manager)
    shards = pd.read_parquet(folder / "shards.parquet")
    return read_run(folder) | {"load": load.during(*steady_period(shards))}


def _at_most_usd(cell: FanOutSettings, left_usd: float, session: Session) -> float:
    """Return what a failed cell may have cost: all that it was allowed, if a pilot."""
    if not session.target.asks_iam:
        return 0.0
    if not cell.files:
        return left_usd
    price = price_estimate.estimate(
        make_plan(_CELL_NOTEBOOK, cell, session), session.target
    )
    return min(left_usd, price.most.dollars)


def _figures(figures: dict[str, Any]) -> str:
    ok, files, wall_s = figures["counts"]["ok"], figures["files"], figures["wall_s"]
    return f"{ok:,} of {files:,} files ok in {wall_s:.1f} s, {ok / wall_s:,.0f} files/s"
