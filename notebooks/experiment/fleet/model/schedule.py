"""Shards pulled by executions as these become free, and the last ones hedged."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

_ROUNDS = 24  # of bisection
# As in `experiment.run.wave`.
_LAST_SHARE = 0.05
_TIMES_AS_LONG = 2.0
_NOT_BEFORE_S = 1.0


class Shifts(NamedTuple):
    """
    Executions at work; shapes (draws, executions), or (draws, 1) for all alike.

    Attributes:
        ready: When each begins its first shard, in seconds since the first call.

        taken: How long it takes over a shard.

        lost: Seconds that it loses once.

        call: From a call to the handler, which comes before every shard.

        start: A cold start's part of the first shard.

        again: How long a shard takes that is sent again.
    """

    ready: np.ndarray
    taken: np.ndarray
    lost: np.ndarray
    call: np.ndarray
    start: np.ndarray
    again: np.ndarray


def finished(
    shifts: Shifts, shards: int, *, hedge: bool
) -> tuple[np.ndarray, np.ndarray]:
    """
    Return when the last report is in, and the billed time, for each draw.

    Args:
        shifts: The executions.

        shards: How many they share; whichever is free takes the next.

        hedge: Whether the last few are sent again if they take long.
    """
    begins = shifts.ready + shifts.lost
    cycle = shifts.taken + shifts.call
    counts = _counts(begins, cycle, shards)
    busy = counts * shifts.taken + np.where(counts > 0, shifts.lost, 0)
    ends = begins + counts * cycle - shifts.call
    if hedge:
        ends = _hedged(shifts, ends, shards)
    done = np.where(counts > 0, ends, 0).max(axis=1).astype(float)
    return done, busy.sum(axis=1, dtype=float)


def _counts(begins: np.ndarray, cycle: np.ndarray, shards: int) -> np.ndarray:
    """Return how many shards each execution takes, found by when the last is taken."""
    executions = begins.shape[1]
    if shards == executions:
        return np.ones((1, 1), dtype=np.float32)
    rate = np.broadcast_to(1 / cycle, begins.shape)
    low = begins.min(axis=1, keepdims=True)
    high = begins.max(axis=1, keepdims=True) + shards / rate.sum(axis=1, keepdims=True)
    for _ in range(_ROUNDS):
        middle = (low + high) / 2
        enough = _taken_by(middle, begins, rate).sum(axis=1, keepdims=True) >= shards
        high = np.where(enough, middle, high)
        low = np.where(enough, low, middle)
    return _taken_by(high, begins, rate)


def _taken_by(when: np.ndarray, begins: np.ndarray, rate: np.ndarray) -> np.ndarray:
    count = when - begins
    count *= rate
    np.floor(count, out=count)
    count += 1
    taken: np.ndarray = np.maximum(count, 0, out=count)
    return taken


def _hedged(shifts: Shifts, ends: np.ndarray, shards: int) -> np.ndarray:
    """Send the last few shards again, once they take twice as long as the others."""
    executions = ends.shape[1]
    start = shifts.start if shards == executions else np.float32(0)
    few = max(1, int(shards * _LAST_SHARE))
    place = max(0, executions - 1 - few)
    few_left = np.partition(ends, place, axis=1)[:, place : place + 1]
    sent = ends - shifts.taken - shifts.call - shifts.lost - start
    usual = start + shifts.call + shifts.again
    patience = np.maximum(_NOT_BEFORE_S, _TIMES_AS_LONG * usual)
    sent_again = np.maximum(few_left, sent + patience)
    first: np.ndarray = np.minimum(ends, sent_again + shifts.call + shifts.again)
    return first
