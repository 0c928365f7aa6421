"""The verdict on runs: what they show about the goal, and nothing beyond that."""

from __future__ import annotations

from typing import TYPE_CHECKING

from experiment.parameters.goal import GOAL_S
from experiment.tables.projection.million_time import Million, of_one_start
from experiment.tables.projection.setting_ranking import named, ranking
from experiment.tables.words import duration, listed, size

if TYPE_CHECKING:
    import pandas as pd

_ADVICE = {
    "files": "; set duration_s instead of files",
    "duration_s": "; set a longer duration_s",
    "url_template": "; set more files",  # a pilot cannot know how many there are
    "url_list": "",  # it has no more
}


def verdict(runs: pd.DataFrame) -> str:
    """
    Say in one sentence for each file size whether its setting named meets the goal.

    Settings are ranked by the median of their warm runs, so one lucky run cannot win.
    See `ranking` for the one that is named.
    """
    sentences = [_of_size(runs, kb, rows) for kb, rows in runs.groupby("file_kb")]
    here = "On this machine, " if (runs["target"] == "local").all() else ""
    said = here + "; ".join(sentences)
    return said[0].upper() + said[1:]


def _of_size(runs: pd.DataFrame, file_kb: float, rows: pd.DataFrame) -> str:
    if not (rows["ok"] > 0).any():
        return f"no file arrived: nothing can be said about the {GOAL_S} s goal"
    ranked = ranking(rows)
    if not ranked:
        return _too_short(file_kb, rows)
    (name, million), *alike = ranked
    sentence = (
        f"at {named(runs, name)}, 1M files of {size(file_kb)} {million}: "
        f"{_about_the_goal(million)}"
    )
    if alike:
        others = listed([named(runs, other) for other, _ in alike])
        sentence += f"; not distinguishable from {others}"
    return sentence


def _about_the_goal(million: Million) -> str:
    if million.high <= GOAL_S:
        return f"inside the {GOAL_S} s goal"
    if million.low > GOAL_S:
        return f"outside the {GOAL_S} s goal"
    return f"too close to the {GOAL_S} s goal to call"


def _too_short(file_kb: float, runs: pd.DataFrame) -> str:
    """Say why nothing is projected from runs, by the longest that is too short."""
    short = of_one_start(runs[runs["million_s"].isna()])
    run = short.sort_values("steady_s").iloc[-1]
    wall_s = run[["startup_s", "steady_s", "tail_s"]].sum()
    lost, name = max(
        (run["startup_s"], "starting up"), (run["tail_s"], "waiting for the last ones")
    )
    why = f"{lost / wall_s * 100:.0f} % of it was {name}"
    if lost < run["steady_s"]:
        why = f"only {duration(run['steady_s'])} of it was steady downloading"
    return (
        f"{run['ok']:,} files of {size(file_kb)} in {duration(wall_s)} are too short "
        f"to project: {why}{_ADVICE[run['sized_by']]}"
    )
