"""The executed notebook as a part of a page."""

from __future__ import annotations

import re
from base64 import b64decode
from pathlib import Path
from typing import TYPE_CHECKING

import nbformat

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nbformat import NotebookNode

TEMPLATES = Path(__file__).parent / "template"
_TITLE = re.compile(r"# \d\d · (.+)\n?")
_PNG = "image/png"
# Where it was written means nothing to who gets it.
_WHERE = re.compile(
    r"(?m)(?:^|(?<=<pre>))To send to a colleague: .*\n"
    r"|<p>Results are in <code>[^<]*</code>\.</p>"
)


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


def as_html(notebook: NotebookNode, pictures: Mapping[bytes, str]) -> str:
    """
    Return an executed notebook as HTML: text, folded code, and outputs.

    The template leaves out the parameters, and what is said of them to who sets them:
    their values are among the settings; paths in them are nobody else's business.

    The notebook is changed: its title goes, since the page has one, and the elements
    that `pictures_of` has for its PNGs show these.
    """
    from nbconvert import HTMLExporter  # noqa: PLC0415 - takes half a second

    notebook.cells[0].source = _TITLE.sub("", notebook.cells[0].source, count=1)
    for cell in notebook.cells:
        for output in cell.get("outputs", ()):
            data = output.get("data", {})
            if _PNG in data and (html := pictures.get(b64decode(data[_PNG]))):
                output.data = {"text/html": html}
    exporter = HTMLExporter(
        template_name="notebook", extra_template_basedirs=[str(TEMPLATES)]
    )
    html, _ = exporter.from_notebook_node(notebook)
    return _WHERE.sub("", html).replace("<pre></pre>", "")


def is_of_parameters(cell: NotebookNode) -> bool:
    """Return whether it is the parameters cell, or the one that papermill adds."""
    return not {"parameters", "injected-parameters"}.isdisjoint(
        cell.metadata.get("tags", ())
    )
