"""One page over all runs in ``results/``."""

from __future__ import annotations

import io
from base64 import b64encode
from typing import TYPE_CHECKING, Any, NamedTuple

from PIL import Image

from experiment.ledger.run_folder import read_run, runs_in
from experiment.report.page import NAME, has_page, rendered

if TYPE_CHECKING:
    from pathlib import Path

_THUMBNAIL_PX = (480, 270)
_MOST_THUMBNAILS = 100  # about 10 kB each
# The chart that says most about a run, if it has it.
_COVERS = ("files_per_s", "files", "timeline", "bench")


class Entry(NamedTuple):
    """
    A run on the page.

    Attributes:
        path: Its folder, relative to the page.

        record: Its ``run.json``.

        report: Its own page, relative to this one; empty: it has none.

        can_report: Whether one can be made.

        cover: A small chart, as a data URL; empty: none.
    """

    path: str
    record: dict[str, Any]
    report: str
    can_report: bool
    cover: str


class Gallery:
    """
    Runs with their main charts, as HTML in a notebook and as names elsewhere.

    Args:
        results: The folder they are in.

        most: How many, the newest first.
    """

    def __init__(self, results: Path, most: int) -> None:
        self._entries = [
            _entry(folder, results, with_cover=True)
            for folder in runs_in(results)[:most]
        ]

    def __repr__(self) -> str:
        """Return the names."""
        return "\n".join(entry.path for entry in self._entries)

    def _repr_html_(self) -> str:
        return rendered("gallery.html.j2", entries=self._entries)


def write_overview(results: Path) -> Path:
    """Write ``report.html`` over the runs in a folder, and return its path."""
    entries = [
        _entry(folder, results, with_cover=number < _MOST_THUMBNAILS)
        for number, folder in enumerate(runs_in(results))
    ]
    path = results / NAME
    path.write_text(rendered("overview.html.j2", entries=entries))
    return path


def _entry(folder: Path, results: Path, *, with_cover: bool) -> Entry:
    path = folder.relative_to(results)
    report = str(path / NAME) if (folder / NAME).exists() else ""
    record = {"verdict": ""} | read_run(folder)
    cover = _cover(folder) if with_cover else ""
    return Entry(str(path), record, report, has_page(record), cover)


def _cover(folder: Path) -> str:
    for name in _COVERS:
        if (chart := folder / f"{name}.png").exists():
            buffer = io.BytesIO()
            with Image.open(chart) as image:
                small = image.convert("RGB")
                small.thumbnail(_THUMBNAIL_PX)
                small.save(buffer, "WEBP", quality=70)
            return f"data:image/webp;base64,{b64encode(buffer.getvalue()).decode()}"
    return ""
