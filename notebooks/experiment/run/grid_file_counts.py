"""How many files each run of a grid fetches, by what the runs before it showed."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import pandas as pd

from experiment.run.pilot import rounded
from fetcher.process.cores import cores

if TYPE_CHECKING:
    from pathlib import Path

    from experiment.parameters.fan_out import FanOutSettings


class _Known(NamedTuple):
    """What the runs of a setting have shown so far."""

    files: int  # for its next run
    files_per_s: float  # steadily, in its last one


class GridFileCounts:
    """
    The numbers of files of a grid's runs that `duration_s` decides.

    The first run of a file size, memory, engine and sink has a pilot. That of another
    concurrency fetches as many files as if throughput grew along, on this machine up to
    the number of its cores: so many are enough. Later ones fetch what the first showed
    to download steadily for so long, or more once one of them was done too soon.
    """

    def __init__(self) -> None:
        self._known: dict[tuple[object, ...], dict[int, _Known]] = {}

    def of(self, cell: FanOutSettings) -> FanOutSettings:
        """Return a cell with its number of files; as it is: a pilot is to find it."""
        known = self._known.get(_axes(cell), {})
        if cell.files or not known:
            return cell
        if cell.concurrency in known:
            files = known[cell.concurrency].files
        else:
            *_, (concurrency, like) = known.items()
            growth = _at_work(cell, cell.concurrency) / _at_work(cell, concurrency)
            files = rounded(
                like.files_per_s * growth * cell.duration_s,
                least=cell.first_pilot.shards,
            )
        return replace(cell.first_pilot, files=files)

    def learn(self, cell: FanOutSettings, folder: Path) -> None:
        """Take note of how a run went that `duration_s` decided."""
        (done,) = pd.read_parquet(folder / "runs.parquet").to_dict("records")
        rate, files = done["steady_files_per_s"], int(done["files"])
        known = self._known.setdefault(_axes(cell), {})
        wanted = rounded(rate * cell.duration_s, least=cell.first_pilot.shards)
        is_estimate = cell.files and cell.concurrency not in known
        if not is_estimate or not rate:
            wanted = max(wanted, files)
        if rate:
            known[cell.concurrency] = _Known(wanted, rate)


def _axes(cell: FanOutSettings) -> tuple[object, ...]:
    """Return what a cell's throughput depends on, beside its concurrency."""
    return cell.file_kb, cell.memory_mb, cell.engine, cell.sink


def _at_work(cell: FanOutSettings, concurrency: int) -> int:
    """Return how many executions can work at once."""
    return min(concurrency, cores()) if cell.target == "local" else concurrency
