"""Charts as SVG whose marks tell their figures when one points at them."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import matplotlib as mpl
import numpy as np

from experiment.charts.drawing import INK

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.figure import Figure

_SVG = "http://www.w3.org/2000/svg"
_NAMES = {"": _SVG, "xlink": "http://www.w3.org/1999/xlink"}
_NO_METADATA = dict.fromkeys(("Creator", "Date", "Format", "Type"))
_ID = re.compile(r'(?<=id=")(?=[^"]+")|(?<=href="#)|(?<=url\(#)')
# Text in the reader's own fonts, marks named the same each time.
_STYLE: Any = {
    "svg.fonttype": "none",
    "svg.hashsalt": "report",
    "savefig.transparent": True,
}
# What follows the page from light to dark.
_OF_THE_PAGE = {
    "#000000": "currentColor",
    INK: "currentColor",
    "#cccccc": "var(--line)",
    "#ffffff": "var(--ground)",
    "#0072b2": "var(--accent)",
}


def bars_told(figure: Figure, texts: Sequence[str]) -> Mapping[str, Sequence[str]]:
    """
    Name the bars of a timeline, and return what each tells.

    Args:
        figure: Collections of one bar per row.

        texts: One per row; a collection of fewer bars stays as it is.

    Returns:
        Texts by the name of the collection, as `as_svg` takes them.
    """
    told = {}
    collections = [one for axes in figure.axes for one in axes.collections]
    for number, bars in enumerate(collections):
        if len(bars.get_paths()) == len(texts):
            bars.set_gid(f"bars-{number}")
            told[f"bars-{number}"] = texts
    return told


def points_told(figure: Figure) -> Mapping[str, Sequence[str]]:
    """Name the lines with markers, and return what each of their points tells."""
    told = {}
    for number, line in enumerate(line for axes in figure.axes for line in axes.lines):
        if line.get_marker() in ("", "None", None):
            continue
        axes: Any = line.axes
        x_name, y_name = (
            name.removesuffix(" (log)")
            for name in (axes.get_xlabel(), axes.get_ylabel())
        )
        points = np.column_stack([line.get_xdata(), line.get_ydata()])
        line.set_gid(f"points-{number}")
        told[f"points-{number}"] = [
            f"{x_name}: {x:,g}\n{y_name}: {y:,.0f}" for x, y in points
        ]
    return told


def as_svg(figure: Figure, told: Mapping[str, Sequence[str]], *, name: str) -> str:
    """
    Return a chart as an SVG element for a page in light or dark colours.

    Its marks tell what `told` has under the name of what they belong to; `name` keeps
    its ids apart from those of other charts on the page.
    """
    buffer = io.StringIO()
    with mpl.rc_context(_STYLE):
        figure.savefig(buffer, format="svg", metadata=_NO_METADATA)
    for prefix, address in _NAMES.items():
        ET.register_namespace(prefix, address)
    # What matplotlib wrote a moment ago holds no entities.
    root = ET.fromstring(buffer.getvalue())  # noqa: S314
    for group in root.iter(f"{{{_SVG}}}g"):
        for mark, text in zip(
            _marks(group), told.get(group.get("id", ""), ()), strict=False
        ):
            ET.SubElement(mark, f"{{{_SVG}}}title").text = text
    for size in ("width", "height"):
        root.attrib.pop(size, None)
    root.set("role", "img")
    root.set("aria-label", figure.axes[0].get_title(loc="left"))
    text = _ID.sub(f"{name}-", ET.tostring(root, encoding="unicode"))
    for colour, of_the_page in _OF_THE_PAGE.items():
        text = text.replace(colour, of_the_page)
    return text


def _marks(group: ET.Element) -> list[ET.Element]:
    """Return the marks of a group: uses of a marker, or paths of their own."""
    uses = list(group.iter(f"{{{_SVG}}}use"))
    return uses or list(group.iter(f"{{{_SVG}}}path"))
