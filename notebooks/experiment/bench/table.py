"""The figures of a bench: medians and ratios, as tables and sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from experiment.bench.programs import CURL
from experiment.tables.words import size

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

SETTING = ["scheme", "file_bytes", "files", "connections"]
_FIGURES = ["files_per_s", "mb_per_s", "cpu_us_per_file", "peak_rss_bytes"]
_RATE_RATIO, _CPU_RATIO = "files_per_s_vs_best_peer", "cpu_vs_curl"
_WILD_HEADINGS = (
    *("", "wall s", "t95 s", "good files", "junk kept"),
    *("CPU s/1,000 URLs", "peak RSS MB"),
)
_MOST_OF_THEM = 0.9  # of the good files; who gets fewer is not first
_COLUMNS = {  # by heading, each with its scale and format
    "files/s": ("files_per_s", 1, ",.0f"),
    "MB/s": ("mb_per_s", 1, ",.0f"),
    "CPU µs/file": ("cpu_us_per_file", 1, ",.0f"),
    "peak RSS MB": ("peak_rss_bytes", 1e6, ",.0f"),
    "files/s ÷ best peer's": (_RATE_RATIO, 1, ".2f"),
    f"CPU ÷ {CURL}'s": (_CPU_RATIO, 1, ".2f"),
}


def summarise(runs: pd.DataFrame) -> pd.DataFrame:
    """
    Return one row per setting and program: medians, and how they compare.

    Medians are of the successful runs; beside them are the number of failed runs and
    the error of the first. The best peer has the highest median of files/s among the
    programs that are not ours, in the same setting.
    """
    by = [*SETTING, "program"]
    every = runs.groupby(by, sort=False).agg(
        version=("version", "first"),
        ours=("ours", "first"),
        runs=("error", "size"),
        failed_runs=("error", lambda errors: (errors != "").sum()),
        error=("error", lambda errors: next(filter(None, errors), "")),
    )
    well = runs[runs["error"] == ""]
    table = every.join(well.groupby(by)[_FIGURES].median()).reset_index()
    peers = table[~table["ours"]].groupby(SETTING)["files_per_s"].max()
    curl = table[table["program"] == CURL].set_index(SETTING)["cpu_us_per_file"]
    settings = pd.MultiIndex.from_frame(table[SETTING])
    table[_RATE_RATIO] = table["files_per_s"] / peers.reindex(settings).to_numpy()
    table[_CPU_RATIO] = table["cpu_us_per_file"] / curl.reindex(settings).to_numpy()
    return table


def finding(summary: pd.DataFrame) -> str:
    """
    Say in one sentence how our engine with the least CPU compares with the peers.

    >>> finding(pd.DataFrame({"ours": True, "program": "fetcher x",
    ...     "cpu_us_per_file": [50.0, 90.0], "files_per_s": 1.0,
    ...     "cpu_vs_curl": [0.5, 0.9], "files_per_s_vs_best_peer": [1.5, 1.5]}))
    "fetcher x: 0.50 to 0.90 × curl -Z's CPU per file, 1.50 × the best peer's files/s"
    """
    ours = summary[summary["ours"] & summary["files_per_s"].notna()]
    if ours.empty:
        return "No run of ours ended well: there is nothing to compare"
    best = ours.groupby("program")["cpu_us_per_file"].mean().idxmin()
    rows = ours[ours["program"] == best]
    ratios = (
        (rows[_CPU_RATIO].dropna(), f"{CURL}'s CPU per file"),
        (rows[_RATE_RATIO].dropna(), "the best peer's files/s"),
    )
    phrases = [f"{_span(values)} × {what}" for values, what in ratios if len(values)]
    settings = (summary["program"] == best).sum()
    if len(rows) < settings:
        best += f", in {len(rows)} of {settings} settings, having failed in the others"
    return f"{best}: {', '.join(phrases) or 'no peer to compare with'}"


def as_text(summary: pd.DataFrame) -> str:
    """Return a table per setting, to be printed."""
    return "\n\n".join(
        "\n".join([setting_in_words(*setting), *_lines(rows)])
        for setting, rows in summary.groupby(SETTING, sort=False)
    )


def setting_in_words(scheme: str, file_bytes: int, files: int, connections: int) -> str:
    """
    Return a setting as people say it.

    >>> setting_in_words("http", 10_000, 30_000, 100)
    'HTTP, 30,000 files of 10 kB, 100 connections'
    """
    return (
        f"{scheme.upper()}, {files:,} files of {size(file_bytes / 1e3)}, "
        f"{connections} connections"
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


def _span(values: pd.Series) -> str:
    least, most = f"{values.min():.2f}", f"{values.max():.2f}"
    return least if least == most else f"{least} to {most}"


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


def wild_finding(rows: pd.DataFrame) -> str:
    """
    Say in one sentence how our quickest engine compares with the quickest peer.

    Only programs that got 90 % of the good files are compared.

    >>> wild_finding(pd.DataFrame({"ours": [True, False], "program": ["a", "b"],
    ...     "t95_s": [9.0, 36.0], "wall_s": [30.0, 215.0], "stopped": [False, True],
    ...     "good": 99, "good_urls": 100, "junk": [0, 7]}))
    'realistic list: a has 95 % of its files after 9 s, ends after 30 s, keeps 0 junk \
files; the quickest peer, b: after 36 s, stopped after 215 s, 7 junk files'
    """
    most = rows[rows["good"] >= _MOST_OF_THEM * rows["good_urls"]]
    ours, peers = most[most["ours"]], most[~most["ours"]]
    if ours.empty:
        return "realistic list: ours did not get 90 % of the good files"
    best = ours.loc[ours["t95_s"].idxmin()]
    said = (
        f"realistic list: {best['program']} has 95 % of its files after "
        f"{best['t95_s']:.0f} s, {_end(best)}, keeps {best['junk']} junk files"
    )
    if peers.empty:
        return f"{said}; no peer got 90 % of them"
    peer = peers.loc[peers["t95_s"].idxmin()]
    return (
        f"{said}; the quickest peer, {peer['program']}: after {peer['t95_s']:.0f} s, "
        f"{_end(peer)}, {peer['junk']} junk files"
    )


def _end(row: pd.Series) -> str:
    how = "stopped" if row["stopped"] else "ends"
    return f"{how} after {row['wall_s']:.0f} s"


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
