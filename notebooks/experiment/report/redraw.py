"""A run drawn again from its folder, with nothing deployed or invoked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from IPython.display import Markdown, display

from experiment.ledger.run_folder import chart_saved, read_run
from experiment.parameters.path_resolution import named_path, resolved
from experiment.report.charts_from_tables import charts_of
from experiment.report.key_figures import key_figures
from experiment.report.page import write_report
from experiment.tables import display_tables
from experiment.tables.run_result import saved_result

if TYPE_CHECKING:
    from pathlib import Path


class RunShown(Exception):  # noqa: N818 - nothing went wrong
    """The run that `show` names was drawn again, and nothing else was done."""

    def _render_traceback_(self) -> list[str]:
        """Return what IPython shows instead of a traceback."""
        return [f"Shown: {self}"]


def show_run(run: str) -> None:
    """
    Show the run of a folder in a notebook, and stop there; without one, do nothing.

    Raises:
        RunShown: After it was shown.

        LedgerError: If the folder holds no run, or one that has not ended.
    """
    if not run:
        return
    folder = resolved(run)
    record, result = read_run(folder), saved_result(folder)
    display(Markdown(f"**{record['verdict']}**"))
    display(display_tables.facts(key_figures(record, result.runs)))
    for name, figure in charts_of(folder, result):
        display(chart_saved(folder, name, figure))
    msg = (
        f"{named_path(write_report(folder))} is this run as a page. Nothing was "
        "deployed; to measure, leave show empty."
    )
    raise RunShown(msg)


def redraw(folder: Path) -> Path:
    """
    Draw the charts of a run again, and its report; return the report's path.

    Raises:
        LedgerError: If the folder holds no run, or one that has not ended.
    """
    result = saved_result(folder)
    for name, figure in charts_of(folder, result):
        chart_saved(folder, name, figure)
    return write_report(folder)
