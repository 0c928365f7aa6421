"""Benchmarks as tables of text."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from experiment.bench.comparison import (
    CPU_RATIO,
    RATE_RATIO,
    SETTING,
    setting_in_words,
)
from experiment.bench.programs import CURL
from experiment.tables.words import size

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_WILD_HEADINGS = (
    *("", "wall s", "t95 s", "good files", "junk kept"),
    *("CPU s/1,000 URLs", "peak RSS MB"),
)
_COLUMNS = {  # by heading, each with its scale and format
    "files/s": ("files_per_s", 1, ",.0f"),
    "MB/s": ("mb_per_s", 1, ",.0f"),
    "CPU µs/file": ("cpu_us_per_file", 1, ",.0f"),
    "peak RSS MB": ("peak_rss_bytes", 1e6, ",.0f"),
    "files/s ÷ best peer's": (RATE_RATIO, 1, ".2f"),
    f"CPU ÷ {CURL}'s": (CPU_RATIO, 1, ".2f"),
}


def as_text(summary: pd.DataFrame) -> str:
    """Return a table per setting, to be printed."""
    return "\n\n".join(
        "\n".join([setting_in_words(*setting), *_lines(rows)])
        for setting, rows in summary.groupby(SETTING, sort=False)
    )


def rss_as_text(rss: pd.DataFrame) -> str:
    """Return the table of memory against the number of URLs, to be printed."""
    counts = list(rss["files"].unique())
    cells = [["", *(f"{count:,} URLs" for count in counts)]]
    for program, rows in rss.groupby("program", sort=False):
        found = rows.set_index("files")
        cells.append([program, *(_rss(found.loc[count]) for count in counts)])
    heading = f"Peak RSS, {size(rss['file_bytes'].iloc[0] / 1e3)} files over HTTP"
    failed = (
        f"  {row['program']}, {row['files']:,} URLs: {row['error']}"
        for _, row in rss[rss["error"] != ""].iterrows()
    )
    return "\n".join([heading, *aligned(cells), *failed])


def aligned(cells: Sequence[Sequence[str]]) -> Iterator[str]:
    """Yield lines: the first column to the left, the others to the right."""
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for first, *others in cells:
        rest = zip(others, widths[1:], strict=True)
        right = "".join(f"  {cell:>{width}}" for cell, width in rest)
        yield f"{first:<{widths[0]}}{right}"


def _rss(row: pd.Series) -> str:
    return "failed" if row["error"] else f"{row['peak_rss_bytes'] / 1e6:,.0f} MB"


def _lines(rows: pd.DataFrame) -> Iterator[str]:
    found = [row for _, row in rows.iterrows()]
    heading, *lines = aligned([["", *_COLUMNS], *map(_cells, found)])
    yield heading
    for line, row in zip(lines, found, strict=True):
        yield line
        if row["failed_runs"]:
            yield f"  {row['failed_runs']} of {row['runs']} runs failed: {row['error']}"


def _cells(row: pd.Series) -> list[str]:
    figures = ((row[name] / scale, form) for name, scale, form in _COLUMNS.values())
    return [
        f"{row['program']} {row['version']}",
        *("-" if pd.isna(value) else f"{value:{form}}" for value, form in figures),
    ]


def wild_as_text(rows: pd.DataFrame) -> str:
    """Return the table of a wild bench, to be printed: a line per program."""
    cells = [_WILD_HEADINGS, *(_wild_cells(row) for _, row in rows.iterrows())]
    first = rows.iloc[0]
    failed = (
        f"  {row['program']}: {row['error']}"
        for _, row in rows[rows["error"] != ""].iterrows()
    )
    heading = (
        f"Realistic list, {first['urls']:,} URLs of {first['hosts']:,} hosts, "
        f"{1 - first['good_urls'] / first['urls']:.0%} of them dead; t95: until 95 % "
        "of the good files that came"
    )
    return "\n".join([heading, *aligned(cells), *failed])


def _wild_cells(row: pd.Series) -> list[str]:
    return [
        f"{row['program']} {row['version']}",
        ("> " if row["stopped"] else "") + f"{row['wall_s']:.0f}",
        "-" if pd.isna(row["t95_s"]) else f"{row['t95_s']:.1f}",
        f"{row['good']:,} ({row['good'] / row['good_urls']:.1%})",
        f"{row['junk']:,}",
        f"{row['cpu_s_per_1000_urls']:.2f}",
        f"{row['peak_rss_bytes'] / 1e6:,.0f}",
    ]
