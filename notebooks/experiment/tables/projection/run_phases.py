"""The phases of a run: start-up, steady downloading and tail told apart."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

_AT_WORK = 0.9  # of the most invocations that were at work at once
_HELD = 0.1  # of the time; clocks of executions differ, which makes shorter peaks


@dataclass(frozen=True, slots=True)
class Phases:
    """
    One session of a run, from its first request to its last response.

    Attributes:
        startup_s: Until nearly all executions were downloading.

        steady_s: From then on, as long as nearly all of them were at work: downloading,
            or, on this machine, reporting, which takes a time for each file, too.

        tail_s: The rest.

        startup_files, tail_files: Files done meanwhile, that are ok.

        steady_files: Likewise; those of the first and the second half.
    """

    startup_s: float
    steady_s: float
    tail_s: float
    startup_files: float
    steady_files: tuple[float, float]
    tail_files: float


def phases_of(shards: pd.DataFrame) -> Phases:
    """
    Tell the phases of one session apart, by its rows of a `shards_table`.

    The files of an invocation are taken to be done evenly while it is at work.
    """
    began_at, ended_at = shards["invoked_at"].min(), shards["answered_at"].max()
    files, since, until = _work_in(shards)
    first, last = _at_work(since, until) or (ended_at, ended_at)

    def done(start: float, end: float) -> float:
        shared = np.minimum(until, end) - np.maximum(since, start)
        return float((files * np.clip(shared, 0, None) / (until - since)).sum())

    middle = (first + last) / 2
    return Phases(
        startup_s=float(first - began_at),
        steady_s=float(last - first),
        tail_s=float(ended_at - last),
        startup_files=done(-math.inf, first),
        steady_files=(done(first, middle), done(middle, last)),
        tail_files=done(last, math.inf),
    )


def steady_period(shards: pd.DataFrame) -> tuple[float, float]:
    """Return when the steady phase of a run began and ended; all of it, if none did."""
    _, since, until = _work_in(shards)
    found = _at_work(since, until)
    return found or (float(shards["invoked_at"].min()), shards["answered_at"].max())


def _work_in(shards: pd.DataFrame) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the files of invocations that downloaded something, and their times."""
    reported = shards[shards["downloaded_at"] > shards["downloading_at"]]
    files, since = reported["ok"].to_numpy(), reported["downloading_at"].to_numpy()
    answered = reported["answered_at"].to_numpy()
    if (reported["target"] == "local").all():
        return files, since, answered
    # Elsewhere, requests and answers are timed by another clock than downloads. Shift
    # the latter by the least that puts every download between its request and answer.
    until = reported["downloaded_at"].to_numpy()
    least_s = (until - answered).max(initial=-math.inf)
    most_s = (since - reported["invoked_at"].to_numpy()).min(initial=math.inf)
    ahead_s = np.clip(0.0, least_s, most_s)
    return files, since - ahead_s, until - ahead_s


def _at_work(since: np.ndarray, until: np.ndarray) -> tuple[float, float] | None:
    """Return when nearly all were at work first, and when they last were."""
    if not len(since):
        return None
    at = np.concatenate([since, until])
    order = np.argsort(at)
    change = np.concatenate([np.ones(len(since), int), -np.ones(len(until), int)])
    at, working = at[order], change[order].cumsum()[:-1]
    lasted = np.diff(at)
    widest = np.argsort(-working)
    held = lasted[widest].cumsum()
    most = working[widest][np.searchsorted(held, _HELD * held[-1])]
    (many,) = np.nonzero((working >= math.ceil(_AT_WORK * most)) & (lasted > 0))
    return float(at[many[0]]), float(at[many[-1] + 1])
