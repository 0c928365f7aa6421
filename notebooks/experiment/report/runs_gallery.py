"""One page over all runs in ``results/``."""

from __future__ import annotations

import io
from base64 import b64encode
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image

from experiment.ledger.run_folder import read_run, runs_in
from experiment.report.page import NAME, has_page, rendered

if TYPE_CHECKING:
    from collections.abc import Sequence

_THUMBNAIL_PX = (480, 270)
_MOST_THUMBNAILS = 100  # about 10 kB each
# The chart that says most about a run, if it has it.
_COVERS = ("files_per_s", "files", "timeline", "bench")


class Gallery:
    """
    Runs with their main charts, as HTML in a notebook and as names elsewhere.

    Args:
        results: The folder they are in.

        most: How many, the newest first; the first hundred have their charts.
    """

    def __init__(self, results: Path, most: int) -> None:
        self._entries = _entries(results, runs_in(results)[:most])

    def __repr__(self) -> str:
        return "\n".join(entry["path"] for entry in self._entries)

    def _repr_html_(self) -> str:
        return rendered("gallery.html.j2", entries=self._entries)


def write_overview(results: Path) -> Path:
    """Write ``report.html`` over the runs in a folder, and return its path."""
    path = results / NAME
    entries = _entries(results, runs_in(results))
    path.write_text(rendered("overview.html.j2", entries=entries))
    return path


def _entries(results: Path, folders: Sequence[Path]) -> list[dict[str, Any]]:
    """
    Return what a page says of runs, in the same order.

    Returns:
        path: Its folder, relative to the page; record: Its ``run.json``; report: Its
        own page, relative to this one, or nothing; can_report: Whether one can be made;
        cover: A small chart as a data URL, of the first hundred, or nothing.
    """
    entries = []
    for number, folder in enumerate(folders):
        path, record = folder.relative_to(results), read_run(folder)
        entries.append(
            {
                "path": str(path),
                "record": {"verdict": ""} | record,
                "report": str(path / NAME) if (folder / NAME).exists() else "",
                "can_report": has_page(record),
                "cover": _cover(folder) if number < _MOST_THUMBNAILS else "",
            }
        )
    return entries


def _cover(folder: Path) -> str:
    charts = (folder / f"{name}.png" for name in _COVERS)
    chart = next(filter(Path.exists, charts), None)
    if not chart:
        return ""
    buffer = io.BytesIO()
    with Image.open(chart) as image:
        small = image.convert("RGB")
        small.thumbnail(_THUMBNAIL_PX)
        small.save(buffer, "WEBP", quality=70)
    return f"data:image/webp;base64,{b64encode(buffer.getvalue()).decode()}"
