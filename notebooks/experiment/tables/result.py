"""The result of a run: tables made from its ledger, checked and saved."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd
import pyarrow.parquet as pq

from experiment.fleet.asking import beside_measured
from experiment.ledger.machine import machines_of
from experiment.ledger.reports import read_invocations
from experiment.tables.downloads_file import DownloadsFile
from experiment.tables.outcomes import AccountError, Outcomes, fail_accounting
from experiment.tables.runs import runs_table
from experiment.tables.table import (
    Names,
    downloads_table,
    shards_table,
    totals,
)
from experiment.tables.words import size, where_measured
from fetcher.contract.outcome import Outcome

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from experiment.ledger.run_folder import Run
    from experiment.parameters.fan_out import FanOutSettings
    from experiment.plan.run_plan import Plan
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
            One row per URL, or a sample of evenly spaced ones. ``downloads.parquet``
            has them all.

        counts: URLs by outcome.

        examples: A URL and its detail, by outcome, without `ok`.

        shards: One row per invocation.

        runs: One row per run.

        where: The footnote of the charts.
    """

    downloads: pd.DataFrame
    counts: Mapping[str, int]
    examples: Mapping[str, tuple[str, str]]
    shards: pd.DataFrame
    runs: pd.DataFrame
    where: str

    @property
    def widest_shards(self) -> pd.DataFrame:
        """The invocations of the last run at the highest concurrency."""
        return self.shards[self.shards["run"] == self._widest["run"]]

    @property
    def widest_setting(self) -> str:
        """The setting of that run, in words."""
        run = self._widest
        return (
            f"Concurrency {run['concurrency']:,}, {size(run['file_kb'])} files, "
            f"run {run['repeat']}"
        )

    def outcomes(self) -> str:
        """Return the number of ok files, and of each other outcome with an example."""
        ok, files = self.counts[Outcome.OK.value], sum(self.counts.values())
        lines = [f"{ok:,} of {files:,} files are ok"]
        for name in sorted(self.examples, key=self.counts.__getitem__, reverse=True):
            url, detail = self.examples[name]
            why = f"{url}: {detail or 'no detail'}"
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
    Read the ledger of a run, check that every URL is accounted for, save the tables.

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
    region, wall_s = run.record.get("region", ""), figures["wall_s"]
    stand_in = run.record.get("stand_in", "")
    run.record["forecast"] = beside_measured(plan, region, wall_s, stand_in)
    return _saved(run, downloads, shards, [run.record])


def result_of_grid(run: Run, records: Sequence[Mapping[str, Any]]) -> Result:
    """Join the tables of a grid's runs, and save them as the grid's own."""
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
    """Return the file size of the origin, or the average of the user's own files."""
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
    where = where_measured(record["target"], machines_of(record), runs["files"])
    counts, examples = dict(downloads.counts), downloads.examples
    return Result(downloads.sample(), counts, examples, shards, runs, where)
