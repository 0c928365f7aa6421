"""What a run came to: tables made from the ledger, checked, saved."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from experiment.ledger import read_invocations
from experiment.table import (
    check,
    check_invocations,
    downloads_table,
    runs_table,
    shards_table,
    totals,
)
from experiment.words import size, where_measured
from fetcher.outcome import Outcome

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from experiment.ledger import Run
    from experiment.plan import Plan
    from experiment.settings import FanOutSettings

_HOW_TO_ALLOW = (
    "If these addresses are meant, set allow_private in the parameters cell of "
    "20_fan_out."
)


@dataclass(frozen=True)
class Result:
    """
    The tables of one run, or of all the runs of a grid.

    Attributes:
        downloads: One row per URL.

        shards: One row per invocation.

        runs: One row per run.

        where: The footnote of its charts.
    """

    downloads: pd.DataFrame
    shards: pd.DataFrame
    runs: pd.DataFrame
    where: str

    @property
    def widest_shards(self) -> pd.DataFrame:
        """The invocations of the last run among those of the highest concurrency."""
        return self.shards[self.shards["run"] == self._widest["run"]]

    @property
    def widest_setting(self) -> str:
        """Which run that is, in words."""
        run = self._widest
        return (
            f"Concurrency {run['concurrency']:,}, {size(run['file_kb'])} files, "
            f"run {run['repeat']}"
        )

    def outcomes(self) -> str:
        """Say how many files are ok, and of each other outcome how many and why."""
        counts = self.downloads["outcome"].value_counts()
        ok = counts.get(Outcome.OK.value, 0)
        lines = [f"{ok:,} of {len(self.downloads):,} files are ok"]
        for name, many in counts.items():
            if many and name != Outcome.OK.value:
                ended = self.downloads[self.downloads["outcome"] == name].iloc[0]
                why = f"{ended['url']}: {ended['detail'] or 'nothing was said'}"
                lines.append(f"{name}: {many:,}, as in {why}")
        if counts.get(Outcome.BLOCKED.value, 0):
            lines.append(_HOW_TO_ALLOW)
        return "\n".join(lines)

    @property
    def _widest(self) -> pd.Series:
        most = self.runs["concurrency"].max()
        return self.runs[self.runs["concurrency"] == most].iloc[-1]


def result_of(run: Run, plan: Plan) -> Result:
    """
    Read a run back from its folder, check that every URL is accounted for, save tables.

    Raises:
        AccountError: If figures do not add up.
    """
    invocations = list(read_invocations(run.folder))
    check_invocations(invocations, plan.source)
    names = {"run": run.name, "target": plan.settings.target}
    downloads = downloads_table(invocations, plan.source, **names)
    file_kb = _file_kb(plan.settings, downloads)
    downloads.insert(2, "file_kb", file_kb)
    figures = totals(downloads, invocations) | {"file_kb": file_kb}
    check(downloads, figures, plan.files)
    run.record["totals"] = figures
    return _saved(run, downloads, shards_table(invocations, **names), [run.record])


def result_of_grid(run: Run, records: Sequence[Mapping[str, Any]]) -> Result:
    """
    Put the tables of a grid's runs together, and save them as the grid's own.

    Args:
        run: The grid's.

        records: What `experiment.grid.run_grid` returned.
    """
    folders = [run.folder / record["run"] for record in records]
    downloads, shards = (
        pd.concat(
            [pd.read_parquet(folder / f"{name}.parquet") for folder in folders],
            ignore_index=True,
        )
        for name in ("downloads", "shards")
    )
    figures = [record["totals"] for record in records]
    run.record["totals"] = {
        "runs": len(figures),
        "files": sum(one["files"] for one in figures),
        "counts": {
            name: sum(one["counts"][name] for one in figures)
            for name in figures[0]["counts"]
        },
        "body_bytes": sum(one["body_bytes"] for one in figures),
    }
    return _saved(run, downloads, shards, records)


def _file_kb(settings: FanOutSettings, downloads: pd.DataFrame) -> float:
    """Return the origin's size, or what the user's own files came to on average."""
    whole = downloads[downloads["outcome"] == Outcome.OK.value]
    if not settings.brings_urls or whole.empty:
        return settings.file_kb
    return float(f"{whole['body_bytes'].mean() / 1_000:.3g}")


def _saved(
    run: Run,
    downloads: pd.DataFrame,
    shards: pd.DataFrame,
    records: Sequence[Mapping[str, Any]],
) -> Result:
    runs = runs_table(records)
    for name, table in (("downloads", downloads), ("shards", shards), ("runs", runs)):
        run.save_table(name, table)
    record = run.record
    files = int(runs["files"].iloc[0])
    where = where_measured(record["target"], record["machine"]["name"], files)
    return Result(downloads, shards, runs, where)
