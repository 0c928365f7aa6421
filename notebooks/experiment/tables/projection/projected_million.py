"""From a run to a million files: start-up, steady rate and tail told apart."""

from __future__ import annotations

from typing import TYPE_CHECKING

from experiment.parameters.goal import GOAL_FILES
from experiment.tables.projection.run_phases import Phases, phases_of

if TYPE_CHECKING:
    import pandas as pd

LEAST_STEADY_S = 1.0  # a shorter run says nothing about a million files
LEAST_BAND = 0.15  # rates sag in long runs
_NEARLY = 1.1  # a run of so many times the goal's files is still a measured million


def projection_of(shards: pd.DataFrame) -> dict[str, float | None]:
    """
    Return the phases of a run, and the time of a million files.

    Of a resumed run the first session's start and the last one's tail count, once; its
    million was not downloaded in one go, and is projected.

    Returns:
        startup_s, steady_s, tail_s (of all sessions together), steady_files_per_s,
        million_s (None: the run is too short, or nothing arrived), and million_band
        (as a share of it; 0: a million was measured, None: there is no million_s).
    """
    sessions = [phases_of(rows) for _, rows in shards.groupby("session")]
    steady_s = sum(one.steady_s for one in sessions)
    steady_files = sum(sum(one.steady_files) for one in sessions)
    rate = steady_files / steady_s if steady_s > 0 else 0.0
    startup_s = sum(one.startup_s for one in sessions)
    tail_s = sum(one.tail_s for one in sessions)
    figures: dict[str, float | None] = {
        "startup_s": startup_s,
        "steady_s": steady_s,
        "tail_s": tail_s,
        "steady_files_per_s": rate,
        "million_s": None,
        "million_band": None,
    }
    is_whole = GOAL_FILES <= shards["ok"].sum() < _NEARLY * GOAL_FILES
    if is_whole and len(sessions) == 1:
        wall_s = startup_s + steady_s + tail_s
        return figures | {"million_s": wall_s, "million_band": 0.0}
    if steady_s < LEAST_STEADY_S or not rate > 0:
        return figures
    first, last = sessions[0], sessions[-1]
    rest = GOAL_FILES - first.startup_files - last.tail_files
    return figures | {
        "million_s": first.startup_s + max(rest, 0.0) / rate + last.tail_s,
        "million_band": max(LEAST_BAND, *map(_drift, sessions)),
    }


def _drift(phases: Phases) -> float:
    """Return how far the rates of both halves are from their mean, as a share of it."""
    first, second = phases.steady_files
    return abs(first - second) / (first + second) if first + second else 0.0
