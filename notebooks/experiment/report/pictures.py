"""The charts of a run: its PNGs, or SVG where there is more to tell than they show."""

from __future__ import annotations

from base64 import b64encode
from html import escape
from typing import TYPE_CHECKING, Any, NamedTuple

from PIL import Image

from experiment.charts.throughput import files_per_s_by_concurrency
from experiment.report.hover import as_svg, bars_told, points_told
from experiment.report.redrawing import timeline_of
from experiment.tables.growth import like_the_best
from experiment.tables.words import duration

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.figure import Figure

    from experiment.tables.result import Result

_MOST_BARS = 500  # each told; more of them would make the page heavy
_TITLE = "Title"  # of a PNG, as `Run.save_chart` writes it
# In the order of a notebook; others follow.
_ORDER = {
    "files_per_s": "Files per second by concurrency",
    "files": "Files done over time",
    "rate": "Files per second over time",
    "timeline": "What each invocation was doing when",
    "connections": "Connections of each execution over time",
    "latency": "Time per download",
    "outcomes": "Files by outcome",
    "machine": "Use of processors and memory",
    "cpu": "CPU time per file by part",
}


class Picture(NamedTuple):
    """
    A chart on the page.

    Attributes:
        name: That of its file, without ``.png``.

        alt: What it shows, in a sentence.

        png: The file's bytes.

        html: The element that shows it.
    """

    name: str
    alt: str
    png: bytes
    html: str


def pictures_of(folder: Path, result: Result | None) -> list[Picture]:
    """
    Return the charts in a run's folder, the main ones first.

    Args:
        folder: The run's.

        result: Its tables; None: it has not ended, so there are only PNGs.
    """
    told, order = _told(result) if result else {}, list(_ORDER)
    paths = sorted(
        folder.glob("*.png"),
        key=lambda path: (
            order.index(path.stem) if path.stem in _ORDER else len(order),
            path.stem,
        ),
    )
    return [_picture(path, told) for path in paths]


def _picture(path: Path, told: dict[str, str]) -> Picture:
    png = path.read_bytes()
    with Image.open(path) as image:
        alt = image.info.get(_TITLE) or _ORDER.get(path.stem, path.stem)
        size = image.size
    html = told.get(path.stem) or (
        f'<img src="data:image/png;base64,{b64encode(png).decode()}" '
        f'alt="{escape(alt)}" width="{size[0]}" height="{size[1]}">'
    )
    return Picture(path.stem, alt, png, html)


def _told(result: Result) -> dict[str, str]:
    """Return the charts of many marks, drawn again."""
    told, shards = {}, result.widest_shards
    if len(shards) <= _MOST_BARS:
        texts = [_invocation(row) for row in shards.to_dict("records")]
        told["timeline"] = _svg("timeline", timeline_of(result), texts)
    if len(result.runs) > 1:
        best = files_per_s_by_concurrency(like_the_best(result.runs))
        told["files_per_s"] = _svg("files_per_s", best)
    return told


def _svg(name: str, figure: Figure, texts: list[str] | None = None) -> str:
    told = points_told(figure) if texts is None else bars_told(figure, texts)
    alt = figure.axes[0].get_title(loc="left")
    return as_svg(figure, told, name=name, alt=alt)


def _invocation(row: dict[str, Any]) -> str:
    lines = [
        f"Invocation {row['shard'] + 1:,}"
        + (f", wave {row['wave'] + 1}" if row["wave"] else ""),
        f"{row['files']:,} files, {row['ok']:,} ok",
    ]
    if row["error"]:
        return "\n".join([*lines, row["error"]])
    start, download, report = (
        duration(max(0.0, row[until] - row[since]))
        for since, until in (
            ("invoked_at", "downloading_at"),
            ("downloading_at", "downloaded_at"),
            ("downloaded_at", "answered_at"),
        )
    )
    cold = "cold, " if row["cold"] else ""
    return "\n".join(
        [
            *lines,
            f"{cold}starting {start}",
            f"downloading {download}",
            f"reporting {report}",
        ]
    )
