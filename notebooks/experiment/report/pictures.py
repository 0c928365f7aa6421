"""The charts of a run: its PNGs, or SVG where there is more to tell than they show."""

from __future__ import annotations

from base64 import b64encode
from html import escape
from io import BytesIO
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from PIL import Image

from experiment.charts.throughput import files_per_s_by_concurrency
from experiment.report.charts_from_tables import timeline_of
from experiment.report.hover import as_svg, bars_told, points_told
from experiment.tables.scaling_limit import like_the_best
from experiment.tables.words import duration

if TYPE_CHECKING:
    from pathlib import Path

    from experiment.tables.run_result import Result

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


def pictures_of(folder: Path, result: Result | None) -> dict[bytes, str]:
    """
    Return the element that shows each PNG in a run's folder, the main ones first.

    Without tables, since the run has not ended, it shows no more than the PNG.
    """
    told = _told(result) if result else {}
    paths = {path.stem: path for path in sorted(folder.glob("*.png"))}
    names = dict.fromkeys([*_ORDER, *paths])  # those known come first
    pngs = {name: paths[name].read_bytes() for name in names if name in paths}
    return {png: told.get(name) or _image(name, png) for name, png in pngs.items()}


def _image(name: str, png: bytes) -> str:
    with Image.open(BytesIO(png)) as image:
        alt = image.info.get(_TITLE) or _ORDER.get(name, name)
        width, height = image.size
    return (
        f'<img src="data:image/png;base64,{b64encode(png).decode()}" '
        f'alt="{escape(alt)}" width="{width}" height="{height}">'
    )


def _told(result: Result) -> dict[str, str]:
    """Return the charts of many marks, drawn again."""
    told, shards = {}, result.widest_shards
    if len(shards) <= _MOST_BARS:
        figure = timeline_of(result)
        texts = [_invocation(row) for row in shards.to_dict("records")]
        told["timeline"] = as_svg(figure, bars_told(figure, texts), name="timeline")
    if len(result.runs) > 1:
        figure = files_per_s_by_concurrency(like_the_best(result.runs))
        told["files_per_s"] = as_svg(figure, points_told(figure), name="files_per_s")
    return told


def _invocation(row: dict[str, Any]) -> str:
    wave = f", wave {row['wave'] + 1}" if row["wave"] else ""
    files = f"{row['files']:,} files, {row['ok']:,} ok"
    lines = [f"Invocation {row['shard'] + 1:,}{wave}", files]
    if row["error"]:
        return "\n".join([*lines, row["error"]])
    moments = ("invoked_at", "downloading_at", "downloaded_at", "answered_at")
    times = [
        duration(max(0.0, row[until] - row[since]))
        for since, until in pairwise(moments)
    ]
    cold = "cold, " if row["cold"] else ""
    phases = (f"{cold}starting", "downloading", "reporting")
    lines += [" ".join(one) for one in zip(phases, times, strict=True)]
    return "\n".join(lines)
