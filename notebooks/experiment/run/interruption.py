"""A run that is stopped or fails: its folder is closed, and nothing idles on."""

from __future__ import annotations

from asyncio import CancelledError
from contextlib import contextmanager
from typing import TYPE_CHECKING

from experiment.parameters.fan_out import FanOutSettings
from experiment.parameters.path_resolution import named_path
from experiment.run.resume import to_do
from rollout.errors import RolloutError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from experiment.ledger.run_folder import Run
    from experiment.parameters.grid import GridSettings
    from experiment.plan.run_plan import Plan
    from experiment.session import Session


class Stopped(RuntimeError):  # noqa: N818 - nothing went wrong
    """Somebody stopped the run; everything answered until then is kept."""

    def _render_traceback_(self) -> list[str]:
        """Return what IPython shows instead of a traceback."""
        return [f"Stopped: {self}"]


@contextmanager
def stoppable(
    run: Run | None,
    session: Session,
    settings: FanOutSettings | GridSettings,
    plan: Plan | None = None,
) -> Iterator[None]:
    """
    Let a run be interrupted: by JupyterLab's stop button, or by an error.

    Without a run it is a pilot's, which keeps nothing; without a plan, a grid's.
    However it ends, its folder is released: it can be resumed here and elsewhere. An
    interrupted run removes its function if the settings say so, even one that was there
    before it, as at its end, and says so; a failed deployment or pilot does the same.
    After the error of a run it stays, to be resumed with. What the session started is
    stopped in every case.

    Raises:
        Stopped: Instead of an interrupt.
    """
    try:
        yield
    except (CancelledError, KeyboardInterrupt) as stop:
        removed, unremoved = _ended(session, settings)
        # A deployment's says what became of the function; not once that is removed.
        said = (removed or str(stop).rstrip("."), _kept(run, plan), unremoved)
        raise Stopped("; ".join(filter(None, said))) from None
    except BaseException as error:
        if run:
            session.stop()
        else:
            for note in filter(None, _ended(session, settings)):
                error.add_note(note)
        raise
    finally:
        if run:
            run.reports.close()


def _ended(
    session: Session, settings: FanOutSettings | GridSettings
) -> tuple[str, str]:
    """End the session; say what was removed, and what could not be."""
    is_kept = isinstance(settings, FanOutSettings) and not settings.tear_down
    try:
        removed = session.stop("" if is_kept else settings.function)
    except RolloutError as error:
        return "", f"the function could not be removed: {error}"
    return f"removed {', '.join(removed)}" if removed else "", ""


def _kept(run: Run | None, plan: Plan | None) -> str:
    """Say how much of a run is kept, where, and how to go on."""
    if run is None:
        return "nothing was measured yet; to start again: run all cells"
    where = named_path(run.folder)
    if plan is None:
        cells = len(list(run.folder.glob("*/downloads.parquet")))
        kept = f"{cells:,} {'run' if cells == 1 else 'runs'} of the grid kept"
        return (
            f"{kept} in {where}; to see one: "
            f"python -m experiment show {where}/CELL, with the name of its folder"
        )
    left, _ = to_do(plan, run)
    if left.total is None:
        kept = "all reports so far"
    else:
        kept = f"{plan.files - left.total:,} of {plan.files:,}"
    return (
        f"{kept} kept in {where}; to go on: set resume and this run_folder above and "
        f"run all cells again, or python -m experiment resume {where}"
    )
