"""The tables of a bench: each measured program by program, printed, saved, charted."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import pandas as pd

from experiment.bench.chart import compare, good_files_over_time
from experiment.bench.comparison import (
    finding,
    setting_in_words,
    summarise,
    wild_finding,
)
from experiment.bench.program_run import Setting, measure
from experiment.bench.programs import (
    CONNECTIONS,
    installed,
    not_installed,
    wild_not_installed,
    wild_programs,
)
from experiment.bench.text_tables import as_text, rss_as_text, wild_as_text
from experiment.bench.wild_run import WildSetting, measure_wild
from experiment.ledger.provenance import machine_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from matplotlib.figure import Figure

    from experiment.bench.program_run import Served
    from experiment.bench.programs import Program

_DPI = 120


@dataclass(frozen=True, slots=True)
class Scale:
    """
    The size of a bench.

    Attributes:
        files: How many files in a run, by their size in bytes.

        repeats: Runs of each program in each setting.

        rss_files: The numbers of files for which our memory is compared.

        rss_file_bytes: Their size.

        wild: The list like the real web's, if there is to be one.
    """

    files: dict[int, int]
    repeats: int
    rss_files: tuple[int, ...]
    rss_file_bytes: int = 10_000
    wild: WildSetting | None = None


class Measured(NamedTuple):
    """A table that was measured, printed and saved."""

    chart: Path
    verdict: str
    failed: bool


def loopback(scale: Scale, served: Served, folder: Path) -> Measured:
    """Measure all programs on the same files: bench.csv, rss.csv, bench.png."""
    compared = installed()
    _announce(f"{served.name}, on loopback", not_installed())
    runs = _saved(folder / "bench.csv", _runs(scale, compared, served))
    summary = summarise(runs)
    summary.to_csv(folder / "bench_summary.csv", index=False)
    print(f"\n{as_text(summary)}\n")
    rss = _saved(folder / "rss.csv", _rss_runs(scale, compared, served))
    print(f"{rss_as_text(rss)}\n")
    chart = _drawn(folder / "bench.png", compare(runs))
    return Measured(chart, finding(summary), any([*runs["error"], *rss["error"]]))


def wild(setting: WildSetting, folder: Path) -> Measured:
    """Measure all on a list like the real web's: wild.csv, wild_files.csv, wild.png."""
    _announce(f"{setting.urls:,} realistic URLs on loopback", wild_not_installed())
    files: list[pd.DataFrame] = []
    rows = _saved(folder / "wild.csv", _wild_runs(setting, files))
    came = pd.concat(files, ignore_index=True)
    came.to_csv(folder / "wild_files.csv", index=False)
    print(f"\n{wild_as_text(rows)}\n")
    chart = _drawn(folder / "wild.png", good_files_over_time(rows, came))
    return Measured(chart, wild_finding(rows), any(rows["error"]))


def _announce(origin: str, missing: Sequence[str]) -> None:
    print(f"origin   {origin}")
    if missing:
        print(f"peers    not installed and left out: {', '.join(missing)}")


def _saved(path: Path, rows: Iterable[dict[str, Any]]) -> pd.DataFrame:
    """Write each row as it comes, so that a crash loses none; return them all."""
    place = {"run": path.parent.name, "target": "local", "machine": machine_name()}
    kept: list[pd.DataFrame] = []
    for row in rows:
        table = pd.DataFrame([place | row])
        table.to_csv(path, mode="a", header=not kept, index=False)
        kept.append(table)
    return pd.concat(kept, ignore_index=True)


def _drawn(path: Path, figure: Figure) -> Path:
    figure.savefig(path, dpi=_DPI)
    return path


def _runs(
    scale: Scale, compared: Sequence[Program], served: Served
) -> Iterator[dict[str, Any]]:
    """Let the programs take turns in every setting."""
    for scheme in served.schemes:
        for file_bytes, files in scale.files.items():
            setting = Setting(scheme, file_bytes, files, CONNECTIONS)
            for repeat in range(1, scale.repeats + 1):
                for program in compared:
                    which = f"run {repeat} of {scale.repeats}"
                    yield {"repeat": repeat, **_run(program, setting, served, which)}


def _rss_runs(
    scale: Scale, compared: Sequence[Program], served: Served
) -> Iterator[dict[str, Any]]:
    for files in scale.rss_files:
        setting = Setting("http", scale.rss_file_bytes, files, CONNECTIONS)
        for program in compared:
            if program.ours:
                yield _run(program, setting, served, "memory")


def _run(
    program: Program, setting: Setting, served: Served, which: str
) -> dict[str, Any]:
    row = measure(program, setting, served)
    figures = f"{row['wall_s']:.2f} s, {row['files_per_s']:,.0f} files/s"
    _progress(f"{setting_in_words(*setting)}, {which}", row, figures)
    return row


def _wild_runs(
    setting: WildSetting, files: list[pd.DataFrame]
) -> Iterator[dict[str, Any]]:
    """Run each program once, and add what came of files to the list."""
    for program in wild_programs():
        row, came = measure_wild(program, setting)
        files.append(came)
        figures = f"{row['good']:,} good files in {row['wall_s']:.1f} s"
        _progress("realistic list", row, figures)
        yield row


def _progress(what: str, row: dict[str, Any], figures: str) -> None:
    result = row["error"] or figures
    print(f"{what}, {row['program']}: {result}", file=sys.stderr, flush=True)
