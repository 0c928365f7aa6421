"""The figures of a wild bench, as a table and a sentence."""

from __future__ import annotations

import pandas as pd

from experiment.bench.table import aligned

_HEADINGS = (
    *("", "wall s", "t95 s", "good files", "junk kept"),
    *("CPU s/1,000 URLs", "peak RSS MB"),
)
_MOST_OF_THEM = 0.9  # of the good files; who gets fewer is not first


def wild_as_text(rows: pd.DataFrame) -> str:
    """Return the table of a wild bench, to be printed: a line per program."""
    cells = [_HEADINGS, *(_cells(row) for _, row in rows.iterrows())]
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


def _cells(row: pd.Series) -> list[str]:
    return [
        f"{row['program']} {row['version']}",
        ("> " if row["stopped"] else "") + f"{row['wall_s']:.0f}",
        "-" if pd.isna(row["t95_s"]) else f"{row['t95_s']:.1f}",
        f"{row['good']:,} ({row['good'] / row['good_urls']:.1%})",
        f"{row['junk']:,}",
        f"{row['cpu_s_per_1000_urls']:.2f}",
        f"{row['peak_rss_bytes'] / 1e6:,.0f}",
    ]
