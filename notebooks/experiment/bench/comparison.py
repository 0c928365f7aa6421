"""Programs compared: medians, ratios to the best other, and the finding in words."""

from __future__ import annotations

import pandas as pd

from experiment.bench.programs import CURL
from experiment.tables.words import size

SETTING = ["scheme", "file_bytes", "files", "connections"]
_FIGURES = ["files_per_s", "mb_per_s", "cpu_us_per_file", "peak_rss_bytes"]
RATE_RATIO, CPU_RATIO = "files_per_s_vs_best_peer", "cpu_vs_curl"
_MOST_OF_THEM = 0.9  # of the good files; who gets fewer is not first


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
    table[RATE_RATIO] = table["files_per_s"] / peers.reindex(settings).to_numpy()
    table[CPU_RATIO] = table["cpu_us_per_file"] / curl.reindex(settings).to_numpy()
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
        (rows[CPU_RATIO].dropna(), f"{CURL}'s CPU per file"),
        (rows[RATE_RATIO].dropna(), "the best peer's files/s"),
    )
    phrases = [f"{_span(values)} × {what}" for values, what in ratios if len(values)]
    settings = (summary["program"] == best).sum()
    if len(rows) < settings:
        best += f", in {len(rows)} of {settings} settings, having failed in the others"
    return f"{best}: {', '.join(phrases) or 'no peer to compare with'}"


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


def _span(values: pd.Series) -> str:
    least, most = f"{values.min():.2f}", f"{values.max():.2f}"
    return least if least == most else f"{least} to {most}"
