"""The page of one run."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Any

import nbformat
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from experiment.ledger.invocation import LedgerError
from experiment.ledger.run_folder import executed_path, read_run, replaced
from experiment.parameters.project_root import root
from experiment.report import key_figures, reproduction
from experiment.report.live_notebook import notebook_here
from experiment.report.notebook_html import (
    TEMPLATES,
    as_html,
    newest_in,
    read_notebook,
    title_in,
)
from experiment.report.pictures import pictures_of
from experiment.tables.run_result import saved_result

if TYPE_CHECKING:
    from pathlib import Path

    from nbformat import NotebookNode

    from experiment.ledger.run_folder import Run

NAME = "report.html"


def write_report(folder: Path, notebook: NotebookNode | None = None) -> Path:
    """
    Write ``report.html`` into the folder of a run, and return its path.

    It is one file that asks for nothing from anywhere. It shows the executed notebook,
    which is changed; by default the newest in the folder, if there is one.

    Raises:
        LedgerError: If the folder holds no run, or one that no notebook made.
    """
    record = read_run(folder)
    try:
        result = saved_result(folder)
    except LedgerError:  # it was stopped
        result = None
    pictures = pictures_of(folder, result)
    notebook = notebook or newest_in(folder, record["notebook"])
    title = title_in(notebook or _own(record["notebook"]))
    cost, items = key_figures.cost_of(record)
    page = rendered(
        "report.html.j2",
        record={"verdict": ""} | record,
        title=title,
        figures=key_figures.key_figures(record, result.runs) if result else {},
        pictures=pictures.values(),
        notebook=Markup(as_html(notebook, pictures)) if notebook else "",  # noqa: S704
        hovers=any("<svg" in html for html in pictures.values()),
        settings=reproduction.settings_of(record),
        machine=reproduction.machine_of(record),
        forecast=key_figures.forecast_of(record),
        cost=cost,
        items=items,
        command=reproduction.command_of(record),
    )
    path = folder / NAME
    with replaced(path) as temporary:
        temporary.write_text(page)
    return path


def has_page(record: dict[str, Any]) -> bool:
    """Return whether a page can be made of a run: a notebook has its title."""
    return _path_of(record["notebook"]).exists()


def page_of(run: Run) -> str:
    """
    Write the page of a run from within its notebook, and say where it is.

    It shows the notebook as its kernel knows it, which also goes into the run's folder
    unless papermill puts it there.
    """
    if run.is_of_a_grid:
        return f"A page of this cell: python -m experiment report {run.folder}"
    path, notebook = _path_for(run), notebook_here(run.record["notebook"])
    if path and notebook:
        notebook.metadata.pop("papermill", None)  # of the copy that was opened
        with replaced(path) as temporary:
            nbformat.write(notebook, temporary)  # type: ignore[no-untyped-call]
    return f"To send to a colleague: {write_report(run.folder, notebook)}"


def _path_for(run: Run) -> Path | None:
    """
    Return where this session's notebook goes; None: papermill is writing it.

    Papermill says in a notebook that it began before it runs the first cell, and when
    it ended in the end. A resumption that failed early leaves such a file behind.
    """
    for session in count(run.session):
        path = executed_path(run.folder, run.record["notebook"], session)
        if not path.exists():
            break
        papermill = read_notebook(path).metadata.get("papermill")
        if not papermill:  # this cell ran before
            break
        if not papermill.get("end_time"):
            return None
    return path


def rendered(template: str, **values: Any) -> str:  # noqa: ANN401 - as templates take
    """Return a page, with the style of all pages in it."""
    pages = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
    )
    style = Markup((TEMPLATES / "style.css").read_text())  # noqa: S704 - our own
    return pages.get_template(template).render(style=style, **values)


def _own(name: str) -> NotebookNode:
    path = _path_of(name)
    if not path.exists():
        msg = (
            f"The run is not of a notebook but of {name}, and has no page: its charts "
            "and tables are in its folder."
        )
        raise LedgerError(msg)
    return read_notebook(path)


def _path_of(notebook: str) -> Path:
    return root() / "notebooks" / f"{notebook}.ipynb"
