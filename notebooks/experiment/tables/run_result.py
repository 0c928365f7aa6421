"""The result of a run: tables made from its ledger, checked, saved and read back."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pandas as pd
import pyarrow.parquet as pq

from experiment.fleet.forecast_questions import beside_measured
from experiment.ledger.invocation import LedgerError
from experiment.ledger.ledger_file import read_invocations
from experiment.ledger.run_folder import read_run, replaced
from experiment.run.machine_load import LOAD
from experiment.tables.downloads_file import write_downloads
from experiment.tables.downloads_table import Names, downloads_table
from experiment.tables.outcome_merging import AccountError, Outcomes, fail_accounting
from experiment.tables.projection.projected_million import projection_of
from experiment.tables.run_totals import totals
from experiment.tables.runs_table import is_cold, runs_table
from experiment.tables.shards_table import shards_table
from experiment.tables.words import size, where_measured
from fetcher.contract.outcome import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    import pyarrow as pa

    from experiment.ledger.run_folder import Run
    from experiment.parameters.fan_out import FanOutSettings
    from experiment.plan.run_plan import Plan
    from fetcher.contract.tally import Tally

_DOWNLOADS = "downloads.parquet"
_DRAWN = ["file_kb", "outcome", "seconds"]  # all that charts need of a download
SAMPLE = 20_000  # downloads: enough for any chart
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
            The columns file_kb, outcome and seconds of all URLs, or of evenly spaced
            ones. ``downloads.parquet`` has all rows and columns.

        counts: URLs by outcome.

        shards, runs: One row per invocation, one row per run.

        examples: A URL and its detail, by outcome, without `ok`; not read back.
    """

    downloads: pd.DataFrame
    counts: Mapping[str, int]
    shards: pd.DataFrame
    runs: pd.DataFrame
    examples: Mapping[str, tuple[str, str]] = field(default_factory=dict)

    @property
    def where(self) -> str:
        """The footnote of the charts."""
        return where_measured(self.runs)

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
    path = run.folder / _DOWNLOADS
    with replaced(path) as temporary, Outcomes(run.folder) as outcomes:
        invocations = outcomes.collect(read_invocations(run.folder))
        shards = shards_table(invocations, run=run.name, target=settings.target)
        tally = outcomes.tally
        names = Names(run.name, settings.target, _file_kb(settings, tally))
        blocks = outcomes.blocks(files)
        tables = (downloads_table(block, plan.urls, names) for block in blocks)
        counts, examples = write_downloads(temporary, tables)
    if outcomes.unrequested and (settings.resume or not settings.retry_failed):
        msg = (
            f"{outcomes.unrequested:,} of {files:,} URLs have not been requested yet. "
            f"Resume the run with: python -m experiment resume {run.folder}"
        )
        raise AccountError(msg)
    if (ok := counts[Outcome.OK.value]) != tally.ok:
        fail_accounting(f"Reports count {tally.ok:,} files that are ok, rows {ok:,}.")
    figures = totals(shards, tally, counts) | {"file_kb": names.file_kb}
    run.record["totals"] = figures
    region, wall_s = run.record.get("region", ""), figures["wall_s"]
    stand_in = run.record.get("stand_in", "")
    started = is_cold(figures["cold_executions"], settings.concurrency)
    run.record["forecast"] = beside_measured(
        plan, region, wall_s, is_cold=started, stand_in=stand_in
    )
    return _saved(run, counts, examples, shards, [run.record])


def result_of_grid(run: Run, records: Sequence[Mapping[str, Any]]) -> Result:
    """Join the tables of a grid's runs, and save them as the grid's own."""
    folders = [run.folder / record["run"] for record in records]
    figures = [record["totals"] for record in records]
    with replaced(run.folder / _DOWNLOADS) as path:
        counts, examples = write_downloads(path, _saved_downloads(folders))
    shards = pd.concat(
        [pd.read_parquet(folder / "shards.parquet") for folder in folders],
        ignore_index=True,
    )
    run.record["totals"] = {
        "runs": len(figures),
        "files": sum(counts.values()),
        "counts": counts,
        "body_bytes": sum(one["body_bytes"] for one in figures),
    }
    return _saved(run, counts, examples, shards, records)


def _saved_downloads(folders: Iterable[Path]) -> Iterator[pa.Table]:
    for folder in folders:
        with pq.ParquetFile(folder / _DOWNLOADS) as saved:
            for group in range(saved.num_row_groups):
                yield saved.read_row_group(group)


def _file_kb(settings: FanOutSettings, tally: Tally) -> float:
    """Return the file size of the origin, or the average of the user's own files."""
    if not settings.brings_urls or not tally.ok:
        return settings.file_kb
    return float(f"{tally.body_bytes / tally.ok / 1_000:.3g}")


def _saved(
    run: Run,
    counts: Mapping[str, int],
    examples: Mapping[str, tuple[str, str]],
    shards: pd.DataFrame,
    records: Sequence[Mapping[str, Any]],
) -> Result:
    runs = runs_table(records)
    run.save_table("shards", shards)
    run.save_table("runs", runs)
    return Result(_sample(run.folder / _DOWNLOADS), counts, shards, runs, examples)


def saved_result(folder: Path) -> Result:
    """
    Return the tables of a finished run or grid.

    There are no downloads if their file was left out, as in published runs.

    Raises:
        LedgerError: If the folder holds no run, or one that has not ended.
    """
    record = read_run(folder)
    try:
        shards = pd.read_parquet(folder / "shards.parquet")
        runs = pd.read_parquet(folder / "runs.parquet")
        counts = record["totals"]["counts"]
    except (FileNotFoundError, KeyError) as error:
        msg = f"{folder} has no result yet: its run has not ended."
        if "resume" in record["settings"]:
            msg += f" Resume it with: python -m experiment resume {folder}"
        raise LedgerError(msg) from error
    if "million_s" not in runs:
        runs = _with_phases(runs, shards)
    return Result(_sample(folder / _DOWNLOADS), counts, shards, runs)


def _with_phases(runs: pd.DataFrame, shards: pd.DataFrame) -> pd.DataFrame:
    """Return runs of an earlier version with the columns that tables have now."""
    by_run = {name: projection_of(rows) for name, rows in shards.groupby("run")}
    phases = pd.DataFrame([by_run[name] for name in runs["run"]], runs.index)
    return runs.join(phases.astype(float)).assign(
        cold=is_cold(runs["cold_executions"], runs["concurrency"]),
        sized_by="files",
        cores=math.nan,
        **dict.fromkeys(LOAD, math.nan),
    )


def _sample(path: Path) -> pd.DataFrame:
    """Return all rows, or about `SAMPLE` evenly spaced ones."""
    if not path.exists():
        return pd.DataFrame(columns=_DRAWN)
    kept, rows = [], 0
    with pq.ParquetFile(path) as file:
        every = max(1, -(-file.metadata.num_rows // SAMPLE))
        for number in range(file.num_row_groups):
            group = file.read_row_group(number, _DRAWN).to_pandas()
            kept.append(group[(group.index + rows) % every == 0])
            rows += len(group)
    return pd.concat(kept, ignore_index=True)
