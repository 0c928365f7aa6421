"""Runs set side by side: which settings differ, and what difference is shown."""

from __future__ import annotations

from string import ascii_uppercase
from typing import TYPE_CHECKING, Any, NamedTuple

import pandas as pd

from experiment.ledger.provenance import machines_of
from experiment.ledger.run_folder import read_run
from experiment.report.reproduction import is_measured
from experiment.tables.display_tables import Shown
from experiment.tables.projection.million_time import SEVERAL, million_of, of_one_start
from experiment.tables.projection.projected_million import LEAST_BAND
from experiment.tables.projection.setting_ranking import AXES, named, ranking, runs_at
from experiment.tables.run_result import saved_result
from experiment.tables.words import listed, size

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from experiment.tables.projection.million_time import Million
    from experiment.tables.run_result import Result

_NOISE = "noise: no difference shown"


class Compared(NamedTuple):
    """
    One of the runs, with a letter for tables and charts.

    Attributes:
        runs: Of a grid, those of the setting that its verdict names.

        million: The time of a million files at it; None: the run is too short.
    """

    letter: str
    name: str
    record: dict[str, Any]
    result: Result
    runs: pd.DataFrame
    million: Million | None


def compared(folders: Iterable[Path]) -> list[Compared]:
    """Return runs with a letter each, in their order."""
    return [
        _compared(letter, folder)
        for letter, folder in zip(ascii_uppercase, folders, strict=False)
    ]


def _compared(letter: str, folder: Path) -> Compared:
    result = saved_result(folder)
    runs = _named_runs(result.runs)
    million = million_of(runs)
    is_alone = len(of_one_start(runs)) < SEVERAL
    if million and is_alone:  # measured or not, the next may differ
        million = million.widened(LEAST_BAND)
    return Compared(letter, folder.name, read_run(folder), result, runs, million)


def _named_runs(runs: pd.DataFrame) -> pd.DataFrame:
    """Return the runs of the setting that a grid names for its smallest files."""
    alike = runs[runs["file_kb"] == runs["file_kb"].min()]
    ranked = ranking(alike)
    best = ranked[0][0] if ranked else tuple(alike.iloc[0][list(AXES)])
    return runs_at(alike, best)


def who_is_who(runs: Sequence[Compared]) -> Shown:
    """Return which run each letter means."""
    return Shown(
        pd.DataFrame(
            {
                "Letter": one.letter,
                "Run": one.name,
                "Where": _where(one),
                "Files": size(one.runs["file_kb"].iloc[0]),
                "Setting": _setting(one),
                "Verdict": one.record.get("verdict", ""),
            }
            for one in runs
        )
    )


def _where(one: Compared) -> str:
    if one.record["target"] == "local":
        return f"local, not AWS: {machines_of(one.record)}"
    return f"{one.record['target']}, {one.record['region']}"


def _setting(one: Compared) -> str:
    values = tuple(one.runs.iloc[0][list(AXES)])
    of_grid = "the one its grid names: " * (len(one.result.runs) > len(one.runs))
    return of_grid + named(one.result.runs, values)


def differences(runs: Sequence[Compared]) -> Shown:
    """Return the settings that are not the same in all runs, and their values."""
    facts = [_facts(one) for one in runs]
    names = dict.fromkeys(name for one in facts for name in one)
    rows = []
    for name in names:
        if len({one[name] for one in facts if name in one}) > 1:
            values = [one.get(name, "not set") for one in facts]
            letters = [one.letter for one in runs]
            rows.append({"Setting": name} | dict(zip(letters, values, strict=True)))
    return Shown(pd.DataFrame(rows), "No setting differs: these runs are repeats.")


def _facts(one: Compared) -> dict[str, str]:
    record = one.record
    settings = {
        name: str(value)
        for name, value in record["settings"].items()
        if is_measured(name, value) and name != "function"
    }
    settings |= {axis: f"{one.runs[axis].iloc[0]}" for axis in AXES}
    return settings | {
        "machine": machines_of(record),
        "origin's server": record.get("origin", "not recorded"),
        "commit": record.get("commit", "")[:12] or "unknown",
        "Python": record["machine"]["python"],
    }


def ratios(runs: Sequence[Compared]) -> Shown:
    """Return how fast each run is beside the first, with the spread of that."""
    first = runs[0]
    return Shown(
        pd.DataFrame(
            {
                "Letter": one.letter,
                "Runs": f"{len(one.runs):,}",
                "1M files take": one.million.time if one.million else "too short",
                f"Compared with {first.letter}": beside(first, one),
            }
            for one in runs
        )
    )


def beside(first: Compared, one: Compared) -> str:
    """
    Say how fast a run is beside another: a ratio with its spread, or why none.

    The spread is that of both bands; where they overlap, the rest is noise.
    """
    if one is first:
        return "the reference"
    if not (first.million and one.million):
        return "too short to compare"
    if first.runs["file_kb"].iloc[0] != one.runs["file_kb"].iloc[0]:
        return "not compared: its files are of another size"
    slow, fast, how = one.million, first.million, "takes {} times as long"
    if slow.seconds < fast.seconds:
        slow, fast, how = fast, slow, "is {} times as fast"
    ratio, low, high = (
        slow.seconds / fast.seconds,
        slow.low / fast.high,
        slow.high / fast.low,
    )
    said = how.format(f"{ratio:.2f} ({low:.2f} to {high:.2f})")
    return f"{said}, {_NOISE}" if first.million.overlaps(one.million) else said


def targets_and_machines(runs: Sequence[Compared]) -> tuple[list[str], list[str]]:
    """Return where some runs took place, without repetitions."""
    targets = sorted({one.record["target"] for one in runs})
    return targets, sorted({machines_of(one.record) for one in runs})


def remarks(runs: Sequence[Compared]) -> str:
    """Say what else than the settings may be why runs differ."""
    said = []
    targets, machines = targets_and_machines(runs)
    if len(targets) > 1:
        said.append(
            f"The targets differ ({listed(targets)}): a ratio between them compares "
            "this project's local Lambda with AWS, not two settings."
        )
    if len(machines) > 1:
        said.append(
            f"The machines differ ({listed(machines)}): a ratio between them includes "
            "the difference between the machines."
        )
    alone = [one.letter for one in runs if len(one.runs) == 1]
    if alone:
        bands = "its band is" if len(alone) == 1 else "their bands are"
        said.append(
            f"{listed(alone)} ran once: {bands} ±15 % at least, because one run does "
            "not show how far the next one may be from it."
        )
    return " ".join(said) or "All ran on one kind of machine, several times each."
