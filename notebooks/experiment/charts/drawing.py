"""The look of all charts: axes, bars, ticks, keys, title and footnote."""

from __future__ import annotations

from textwrap import fill
from typing import TYPE_CHECKING, Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.collections import PolyCollection
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

from experiment.tables.words import unbroken

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import pandas as pd
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure
    from numpy.typing import ArrayLike

INK = "#333333"
# The colours of Okabe and Ito that are dark enough on white, and some more.
BLUE, VERMILION, GREEN, PINK = "#0072B2", "#D55E00", "#009E73", "#CC79A7"
AMBER, SKY, GREY = "#E69F00", "#56B4E9", "#999999"
PALETTE = (BLUE, VERMILION, GREEN, PINK, "#332288", AMBER, SKY, "#666633", GREY)
DASHED: Any = {"color": INK, "ls": "--", "lw": 1}
BESIDE: Any = {"color": INK, "fontsize": 9, "textcoords": "offset points"}
SINCE_START = "Seconds since the first request was sent"
_BAND_ALPHA = 0.15

# Lines differ in their markers, too.
_STYLES = ((BLUE, "o"), (VERMILION, "s"), (GREEN, "^"), (PINK, "D"))
_SIZE_IN = (8, 4.5)
_PLAIN = FuncFormatter(lambda value, _: f"{value:,.9g}")
_LABEL_POINTS = 13
_BAR_HEIGHT = 0.8
_TITLE_LETTERS, _FOOTNOTE_LETTERS = 72, 105  # longer lines leave the picture
_TITLE_PAD, _TITLE_PAD_OVER_KEY = 6, 24
_POINTS_PER_INCH = 72
_STEPS = ((1,), (1, 2, 5), (1, 1.5, 2, 3, 5, 7), tuple(range(1, 10)))  # of a decade
_FEWEST_TICKS, _MOST_TICKS = 4, 8


class ChartError(ValueError):
    """A chart would hide some of its data."""


def new_axes(xlabel: str = "", ylabel: str = "") -> Axes:
    """Return the axes of an empty chart of the common size."""
    _, ax = plt.subplots(figsize=_SIZE_IN, layout="constrained")
    ax.set(xlabel=xlabel, ylabel=ylabel)
    ax.spines[["top", "right"]].set_visible(False)
    ax.grid(color=INK, alpha=0.12)
    ax.set_axisbelow(True)
    return ax


def begin_at_zero(ax: Axes) -> None:
    """Let both axes begin at 0 once all is drawn, with thousands told apart."""
    ax.set_xlim(left=0)
    ax.set_ylim(bottom=0)
    ax.yaxis.set_major_formatter("{x:,.0f}")


def draw_bars(
    ax: Axes,
    rows: np.ndarray,
    since: pd.Series,
    until: pd.Series,
    colour: str,
    label: str,
) -> None:
    """Draw a bar per row as one collection: a thousand single ones take seconds."""
    left, right = since.to_numpy(), until.to_numpy()
    low, high = rows - _BAR_HEIGHT / 2, rows + _BAR_HEIGHT / 2
    corners = [(left, low), (left, high), (right, high), (right, low)]
    outlines = list(np.array(corners).transpose(2, 0, 1))
    ax.add_collection(PolyCollection(outlines, facecolors=colour, label=label))
    ax.autoscale_view()


def one_style_each(
    table: pd.DataFrame, by: str
) -> Iterable[tuple[float, tuple[str, str], pd.DataFrame]]:
    """
    Return the groups of a table, each with its value, and a colour and marker.

    Raises:
        ChartError: If there are more groups than styles.
    """
    groups = list(table.groupby(by, observed=True))
    if len(groups) > len(_STYLES):
        msg = (
            f"{len(groups)} values of {by} are too many for one chart; it shows up to "
            f"{len(_STYLES)}. Measure fewer in one grid."
        )
        raise ChartError(msg)
    return (
        (key, style, rows) for (key, rows), style in zip(groups, _STYLES, strict=False)
    )


def draw_band(
    ax: Axes, x: ArrayLike, band: pd.DataFrame, look: tuple[str, str], label: str = ""
) -> None:
    """Draw medians as a line, in a colour and with a marker, from min to max a band."""
    colour, marker = look
    ax.fill_between(x, band["min"], band["max"], color=colour, alpha=_BAND_ALPHA, lw=0)
    ax.plot(x, band["median"], color=colour, marker=marker, lw=2, label=label)


def label_ends(ax: Axes, x: float, ends: list[tuple[float, str, str]]) -> None:
    """Label lines at their ends, shifted up where labels would overlap."""
    below = -np.inf
    for y, text, colour in sorted(ends):
        points = ax.transData.transform((x, y))[1] * _POINTS_PER_INCH / ax.figure.dpi
        shift = max(0.0, below + _LABEL_POINTS - points)
        below = points + shift
        look = {"color": colour, "fontsize": 10, "va": "center"}
        ax.annotate(text, (x, y), (8, shift), annotation_clip=False, **BESIDE | look)


def tick_measured(axis: Axis, values: pd.Series) -> None:
    """Tick a log axis only at measured values."""
    axis.set_ticks(sorted(values.unique()))
    axis.set_major_formatter(_PLAIN)
    axis.set_minor_locator(NullLocator())


def tick_round(axis: Axis) -> None:
    """Tick a log axis at round values, the closer the shorter its range."""
    low, high = axis.get_view_interval()
    for steps in _STEPS:
        locator = LogLocator(subs=steps)
        ticks = np.asarray(locator.tick_values(low, high))
        if np.count_nonzero((low <= ticks) & (ticks <= high)) >= _FEWEST_TICKS:
            axis.set_major_locator(locator)
            break
    else:
        axis.set_major_locator(MaxNLocator(_MOST_TICKS))
    axis.set_major_formatter(_PLAIN)
    axis.set_minor_locator(NullLocator())


def key_above(ax: Axes, shown: Sequence[Artist] | None = None) -> None:
    """Put the key between title and axes, where it covers nothing."""
    handles = ax.get_legend_handles_labels()[0] if shown is None else shown
    ax.legend(
        handles=handles,
        loc="lower left",
        bbox_to_anchor=(0, 1.01),
        ncols=max(len(handles), 1),
        frameon=False,
        fontsize=9,
        handlelength=1.4,
        columnspacing=1.6,
        borderpad=0,
        borderaxespad=0.2,
    )


def key_to_bands(ax: Axes, *, marks_cold: bool) -> None:
    """Explain lines as medians, their bands, and the marks of cold runs."""
    kind = "warm runs" if marks_cold else "runs"
    shown: list[Artist] = [
        Line2D([], [], color=INK, lw=2, label=f"median of the {kind}"),
        Patch(color=INK, alpha=_BAND_ALPHA, lw=0, label="slowest to fastest"),
    ]
    if marks_cold:
        label = "a cold run"
        shown.append(Line2D([], [], color=INK, marker="o", ls="", mfc="w", label=label))
    key_above(ax, shown)


def finished(ax: Axes, title: str, where: str) -> Figure:
    """Add title and footnote, and close the figure: the caller shows it once."""
    figure = ax.get_figure(root=True)
    assert figure
    ax.set_title(
        fill(unbroken(title), _TITLE_LETTERS),
        loc="left",
        fontweight="bold",
        fontsize=11,
        parse_math=False,  # a dollar is a dollar
        pad=_TITLE_PAD_OVER_KEY if ax.get_legend() else _TITLE_PAD,
    )
    footnote = fill(where, _FOOTNOTE_LETTERS)
    figure.supxlabel(footnote, x=0.99, ha="right", fontsize=8, color=INK)
    plt.close(figure)
    return figure
