"""Where throughput stops growing with concurrency, and why, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from experiment.run.machine_load import LOAD
from experiment.tables.projection.million_time import million_of, of_one_start
from experiment.tables.projection.setting_ranking import (
    AXES,
    ranking,
    runs_at,
    settings_of,
)
from experiment.tables.words import size

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

_BUSY = 0.85  # of the cores, or of one core
_AT_WORK = 0.02  # of a core, by executions or an origin on this machine
_OTHERS = 0.25  # of the cores, used by programs that are not the run's
_STOLEN = 0.05  # of the cores of a virtual machine
_CORES = "the cores are the limit"


def growth(runs: pd.DataFrame) -> Iterator[str]:
    """Yield a sentence for each file size measured at several concurrencies."""
    for file_kb, rows in runs.groupby("file_kb"):
        if rows["concurrency"].nunique() > 1:
            yield f"Files of {size(file_kb)}: {_growth(rows)}."


def like_the_best(runs: pd.DataFrame) -> pd.DataFrame:
    """Return the runs with memory, engine and sink of the setting named best."""
    ranked = ranking(runs)
    if not ranked:
        return runs
    (values, _), *_ = ranked
    return runs_at(runs, values, AXES[2:])


def _growth(rows: pd.DataFrame) -> str:
    alike = like_the_best(rows)
    found = {values[1]: million_of(each) for values, each in settings_of(alike)}
    millions = {number: million for number, million in found.items() if million}
    if len(millions) < 2:  # noqa: PLR2004
        return "the runs are too short to say where throughput stops growing"
    stop = ranking(alike)[0][0][1]
    best = min(millions.values(), key=lambda million: million.seconds)
    if any(best.beats(millions[number]) for number in millions if number < stop):
        said = f"throughput grows up to concurrency {stop:,}, and not measurably beyond"
    else:
        stop = min(millions)
        said = f"no other concurrency is measurably faster than {stop:,}"
    beyond = sorted(number for number in millions if number > stop)
    if not beyond:
        less = max(number for number in millions if number < stop)
        grows = millions[stop].beats(millions[less])
        how = "still grows" if grows else "was highest"
        return f"throughput {how} at concurrency {stop:,}, the most measured"
    if stop > min(millions) and any(millions[stop].beats(millions[n]) for n in beyond):
        said += ", and then falls"
    there, after = (
        alike[alike["concurrency"] == number] for number in (stop, beyond[0])
    )
    return f"{said}. {_why(of_one_start(there), of_one_start(after))}"


def _load(runs: pd.DataFrame) -> pd.Series:
    """Return the median `LOAD` of runs, with what is taken in all, and by others."""
    load = runs[list(LOAD)].median().fillna(0.0)
    load["taken"] = load["cores_busy"] + load["stolen_cores"]
    load["others"] = load["cores_busy"] - load["own_cores"]
    return load


def _why(runs: pd.DataFrame, after: pd.DataFrame) -> str:
    """Say what had run out at a concurrency, or at the next one."""
    cores, there = int(runs["cores"].iloc[0]), _load(runs)
    if there["execution_cores"] < _AT_WORK:
        return "Why cannot be seen here, because the executions ran elsewhere"
    at = (
        f"At concurrency {runs['concurrency'].iloc[0]:,}, {there['cores_busy']:.1f} of "
        f"the {cores} cores were busy while files arrived steadily, "
        f"{there['execution_cores']:.1f} with executions and "
        f"{there['origin_cores']:.1f} with the origin"
    )
    if there["others"] > _OTHERS * cores:
        return (
            f"{at}, but {there['others']:.1f} with other programs: measure again when "
            "they are done"
        )
    if there["stolen_cores"] > _STOLEN * cores:
        given = f"{there['stolen_cores']:.1f} of them"
        at += f", and the host gave {given} to other machines"
    return f"{at}{_limit(there, cores, runs, after)}"


def _limit(
    there: pd.Series, cores: int, runs: pd.DataFrame, after: pd.DataFrame
) -> str:
    """Name the limit, as the end of a sentence."""
    if there["taken"] > _BUSY * cores:
        return f": {_CORES}"
    if there["origin_cores"] > _BUSY:
        return ": the origin, a single process, is the limit"
    if there["origin_cores"] < _AT_WORK:
        return ": files came from elsewhere, so why cannot be seen here"
    further, concurrency = _load(after), after["concurrency"].iloc[0]
    if further["taken"] - further["others"] > _BUSY * cores:
        busy = f"{further['taken']:.1f} cores were busy"
        given = " or given away" if further["stolen_cores"] > _STOLEN * cores else ""
        return f"; at concurrency {concurrency:,}, {busy}{given}: {_CORES}"
    connections = runs["connections"].iloc[0]
    advice = f"so try more than {connections:,} connections"
    if not connections:
        advice = "and more connections did not help"
    return f": neither cores nor origin are the bottleneck, {advice}"
