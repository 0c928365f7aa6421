"""What a run came to: tables made from the ledger, checked, saved."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd
import pyarrow.parquet as pq

from experiment.ledger.reports import read_invocations
from experiment.tables.downloads_file import DownloadsFile
from experiment.tables.outcomes import AccountError, Outcomes, fail_accounting
from experiment.tables.table import (
    Names,
    downloads_table,
    runs_table,
    shards_table,
    totals,
)
from experiment.tables.words import size, where_measured
from fetcher.contract.outcome import Outcome

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from experiment.ledger.run_folder import Run
    from experiment.parameters.fan_out import FanOutSettings
    from experiment.plan.plan import Plan
    from fetcher.contract.tally import Tally

_DOWNLOADS = "downloads.parquet"
_HOW_TO_ALLOW = (
    "If these addresses are meant, set allow_private in the parameters cell of "
    "20_fan_out."
)


@dataclass(frozen=True)
class Result:
    """
    The tables of one run, or of all the runs of a grid.

    Attributes:
        downloads:
            One row per URL; of very many evenly spaced ones. ``downloads.parquet`` has
            them all.

        counts: URLs by outcome.

        examples: Of each outcome but `ok` that was met, a URL and its detail.

        shards: One row per invocation.

        runs: One row per run.

        where: The footnote of its charts.
    """

    downloads: pd.DataFrame
    counts: Mapping[str, int]
    examples: Mapping[str, tuple[str, str]]
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
        ok, files = self.counts[Outcome.OK.value], sum(self.counts.values())
        lines = [f"{ok:,} of {files:,} files are ok"]
        for name in sorted(self.examples, key=self.counts.__getitem__, reverse=True):
            url, detail = self.examples[name]
            why = f"{url}: {detail or 'nothing was said'}"
            lines.append(f"{name}: {self.counts[name]:,}, as in {why}")
        if self.counts[Outcome.BLOCKED.value]:
            lines.append(_HOW_TO_ALLOW)
        return "\n".join(lines)

    @property
    def _widest(self) -> pd.Series:
        most = self.runs["concurrency"].max()
        return self.runs[self.runs["concurrency"] == most].iloc[-1]


def result_of(run: Run, plan: Plan) -> Result:
    """
    Read a run back from its folder, check that every URL is accounted for, save tables.

    However long the run was, little of it is in memory at any time.

    Raises:
        AccountError: If figures do not add up.
    """
    settings, files = plan.settings, plan.count()
    unrequested = 0
    with run.saved(_DOWNLOADS) as path, Outcomes(run.folder) as outcomes:
        invocations = outcomes.collect(read_invocations(run.folder))
        shards = shards_table(invocations, run=run.name, target=settings.target)
        tally = outcomes.tally
        names = Names(run.name, settings.target, _file_kb(settings, tally))
        with DownloadsFile(path, files) as downloads:
            for block in outcomes.blocks(files):
                downloads.add(downloads_table(block, plan.urls, names))
                unrequested += block.unrequested
    if unrequested and (settings.resume or not settings.retry_failed):
        msg = (
            f"{unrequested:,} of {files:,} URLs have not been requested yet. Resume "
            f"the run with: python -m experiment resume {run.folder}"
        )
        raise AccountError(msg)
    if (ok := downloads.counts[Outcome.OK.value]) != tally.ok:
        fail_accounting(f"Reports count {tally.ok:,} files that are ok, rows {ok:,}.")
    figures = totals(shards, tally, downloads.counts) | {"file_kb": names.file_kb}
    run.record["totals"] = figures
    return _saved(run, downloads, shards, [run.record])


def result_of_grid(run: Run, records: Sequence[Mapping[str, Any]]) -> Result:
    """
    Put the tables of a grid's runs together, and save them as the grid's own.

    Args:
        run: The grid's.

        records: What `experiment.run.grid.run_grid` returned.
    """
    folders = [run.folder / record["run"] for record in records]
    figures = [record["totals"] for record in records]
    files = sum(one["files"] for one in figures)
    with run.saved(_DOWNLOADS) as path, DownloadsFile(path, files) as downloads:
        for folder in folders:
            with pq.ParquetFile(folder / _DOWNLOADS) as saved:
                for group in range(saved.num_row_groups):
                    downloads.add(saved.read_row_group(group))
    shards = pd.concat(
        [pd.read_parquet(folder / "shards.parquet") for folder in folders],
        ignore_index=True,
    )
    run.record["totals"] = {
        "runs": len(figures),
        "files": files,
        "counts": dict(downloads.counts),
        "body_bytes": sum(one["body_bytes"] for one in figures),
    }
    return _saved(run, downloads, shards, records)


def _file_kb(settings: FanOutSettings, tally: Tally) -> float:
    """Return the origin's size, or what the user's own files came to on average."""
    if not settings.brings_urls or not tally.ok:
        return settings.file_kb
    return float(f"{tally.body_bytes / tally.ok / 1_000:.3g}")


def _saved(
    run: Run,
    downloads: DownloadsFile,
    shards: pd.DataFrame,
    records: Sequence[Mapping[str, Any]],
) -> Result:
    runs = runs_table(records)
    run.save_table("shards", shards)
    run.save_table("runs", runs)
    record = run.record
    files = int(runs["files"].iloc[0])
    where = where_measured(record["target"], record["machine"]["name"], files)
    counts, examples = dict(downloads.counts), downloads.examples
    return Result(downloads.sample(), counts, examples, shards, runs, where)
