"""The executed notebook as a part of a page."""

from __future__ import annotations

import re
from base64 import b64decode
from pathlib import Path
from typing import TYPE_CHECKING

import nbformat

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from nbformat import NotebookNode

    from experiment.report.pictures import Picture

TEMPLATES = Path(__file__).parent / "template"
_TITLE = re.compile(r"# \d\d · (.+)\n?")
_PNG = "image/png"
# Where it was written means nothing to who gets it.
_WHERE = re.compile(r"(?m)^To send to a colleague: .*\n|\s*Results are in `[^`]*`\.")


def title_in(notebook: NotebookNode) -> str:
    """Return the question that a notebook opens with."""
    found = _TITLE.match(notebook.cells[0].source)
    return found[1].strip() if found else ""


def newest_in(folder: Path, name: str) -> NotebookNode | None:
    """Return the executed notebook of a run, the last one if it was resumed."""
    paths = sorted(
        folder.glob(f"{name}*.ipynb"), key=lambda path: path.stat().st_mtime_ns
    )
    return read_notebook(paths[-1]) if paths else None


def read_notebook(path: Path) -> NotebookNode:
    """Return a notebook."""
    found: NotebookNode = nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]
    return found


def as_html(notebook: NotebookNode, pictures: Sequence[Picture]) -> str:
    """
    Return an executed notebook as HTML: text, folded code, and outputs.

    Args:
        notebook: It is changed: its title goes, since the page has one.

        pictures: Those to show in place of the PNGs that they were drawn as.
    """
    from nbconvert import HTMLExporter  # noqa: PLC0415 - takes half a second

    notebook.cells[0].source = _TITLE.sub("", notebook.cells[0].source, count=1)
    notebook.cells = list(_without_parameters(notebook.cells))
    by_png = {picture.png: picture for picture in pictures}
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = list(_joined(cell.outputs))
        for output in cell.get("outputs", ()):
            _show(output, by_png)
    exporter = HTMLExporter(
        template_name="notebook",
        extra_template_basedirs=[str(TEMPLATES)],
    )
    html, _ = exporter.from_notebook_node(notebook)
    return str(html)


def is_of_parameters(cell: NotebookNode) -> bool:
    """Return whether it is the parameters cell, or the one that papermill adds."""
    return not {"parameters", "injected-parameters"}.isdisjoint(
        cell.metadata.get("tags", ())
    )


def _without_parameters(cells: Sequence[NotebookNode]) -> Iterator[NotebookNode]:
    """
    Leave out the parameters, and what is said of them to who sets them.

    Their values are among the settings; paths in them are nobody else's business.
    """
    for cell in cells:
        if not (is_of_parameters(cell) or cell.source.startswith("## Parameters\n")):
            yield cell


def _joined(outputs: Iterable[NotebookNode]) -> Iterator[NotebookNode]:
    """Join what was printed bit by bit."""
    latest = None
    for output in outputs:
        if latest and "text" in output and output.get("name") == latest.name:
            latest.text += output.text
            continue
        latest = output if "text" in output else None
        yield output


def _show(output: NotebookNode, by_png: dict[bytes, Picture]) -> None:
    """Prepare an output: the page's picture of a chart, the last state of a bar."""
    data = output.get("data", {})
    picture = by_png.get(b64decode(data[_PNG])) if _PNG in data else None
    if picture:
        data.clear()
        data["text/html"] = picture.html
    if "text" in output:
        output.text = _WHERE.sub("", _painted_over(output.text))
    if "text/markdown" in data:
        data["text/markdown"] = _WHERE.sub("", data["text/markdown"])


def _painted_over(text: str) -> str:
    r"""
    Return what a terminal would show of lines that were painted again and again.

    >>> _painted_over("0 %\r50 %\r100 %\ndone\n")
    '100 %\ndone\n'
    """
    return "\n".join(line.rpartition("\r")[2] for line in text.split("\n"))
