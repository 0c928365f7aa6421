"""One page over all runs in ``results/``."""

from __future__ import annotations

import io
from base64 import b64encode
from typing import TYPE_CHECKING, Any, NamedTuple

from PIL import Image

from experiment.ledger.invocation import LedgerError
from experiment.ledger.run_folder import read_run
from experiment.report.page import NAME, rendered

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

        cover: A small chart, as a data URL; empty: none.
    """

    path: str
    record: dict[str, Any]
    report: str
    cover: str


def runs_in(results: Path) -> list[Path]:
    """Return the folders of all runs, published ones too, the newest first."""
    found = {}
    for path in [*results.glob("*/run.json"), *results.glob("published/*/run.json")]:
        try:
            found[path.parent] = read_run(path.parent)["started"]
        except (LedgerError, KeyError):
            continue  # of another version, or torn
    return sorted(found, key=found.__getitem__, reverse=True)


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
    return Entry(str(path), record, report, _cover(folder) if with_cover else "")


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
