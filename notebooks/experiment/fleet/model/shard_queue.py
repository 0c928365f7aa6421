"""Shards pulled by executions as these become free, and the last ones hedged."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from experiment.plan.shard_sizes import FallingSizes

if TYPE_CHECKING:
    from experiment.plan.shard_sizes import EqualSizes

_ROUNDS = 16  # of bisection: to 1/65,536 of the time from first to last
# As in `experiment.run.wave`.
_LAST_SHARE = 0.05
_TIMES_AS_LONG = 2.0
_NOT_BEFORE_S = 1.0


class Shifts(NamedTuple):
    """
    Executions at work; shapes (draws, executions), or (draws, 1) for all alike.

    Attributes:
        allowed: When each may take its first shard, in seconds since the first call.

        late: Seconds until it is at work on it, and those that it loses once.

        slow: How many times the usual time its shards take.

        call: From a call to the handler, which comes before every later shard.

        start: A cold start's part of the first shard.

        fixed, each: The usual time of a shard: once, and for every file in it.
    """

    allowed: np.ndarray
    late: np.ndarray
    slow: np.ndarray
    call: np.ndarray
    start: np.ndarray
    fixed: np.ndarray
    each: np.ndarray


def finished(
    shifts: Shifts, sizes: EqualSizes | FallingSizes, *, hedge: bool
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """
    Return when the last report is in, and who did how much.

    Executions share shards of these sizes; whichever is free takes the next. The last
    few are sent again if they take long, with `hedge`.

    Returns:
        Seconds, and seconds of work of all executions together, one per draw each; and
        which executions took any shard, of shape (draws, executions).
    """
    work = _Work(shifts)
    if isinstance(sizes, FallingSizes):
        work.pull_falling(sizes)
    else:
        count = np.full_like(shifts.call, sizes.shards)
        work.pull_alike(np.float32(sizes.count / sizes.shards), count)
    ends = np.where(work.is_new, 0, work.free)
    if hedge:
        ends = _hedged(shifts, work, ends, sizes.shards)
    done = ends.max(axis=1).astype(float)
    return done, work.busy.sum(axis=1, dtype=float), ~work.is_new


class _Work:
    """
    What executions have done so far.

    Attributes:
        free: When each ended its latest shard, and may take the next.

        busy: Seconds at work.

        sent, usual: When its latest shard was sent, and the usual time of that.

        is_new: Whether it had none yet.
    """

    def __init__(self, shifts: Shifts) -> None:
        self._shifts = shifts
        self.free = self.sent = shifts.allowed
        self.busy = self.usual = np.zeros_like(shifts.allowed)
        self.is_new = np.ones(shifts.allowed.shape, dtype=bool)

    def pull_alike(self, files: np.ndarray | np.floating, count: np.ndarray) -> None:
        """Take shards of so many files each; both may differ between draws."""
        usual = self._shifts.fixed + files * self._shifts.each
        self._take(self._counts(usual, count), usual)

    def pull_falling(self, sizes: FallingSizes) -> None:
        """
        Take shards of falling size: alike at first, and again at the end.

        In between, all that are free before the first of them is free again take their
        shards at once, each in its place by when it was free.
        """
        shifts, executions = self._shifts, self.free.shape[1]
        most, least = np.float32(sizes.most), np.float32(sizes.least)
        parts = np.float32(sizes.parts)
        left = np.full_like(shifts.call, sizes.count)
        if whole := sizes.whole:
            self.pull_alike(most, np.full_like(left, whole))
            left -= whole * most
        last = parts * least  # from here on they are alike
        while (left > last).any():
            usual = shifts.fixed + shifts.each * np.clip(left / parts, least, most)
            first = self.free.min(axis=1, keepdims=True)
            after = self.free - first
            takes = (after <= usual + shifts.call) & (left > last)
            takes = takes.astype(np.float32)
            after *= takes
            span = np.maximum(after.max(axis=1, keepdims=True), np.float32(1e-6))
            place = after * (takes.sum(axis=1, keepdims=True) / span)
            files = np.exp(place / -parts)
            files *= left / parts
            np.clip(files, least, most, out=files)
            self._take(takes, shifts.fixed + shifts.each * files)
            left -= (files * takes).sum(axis=1, keepdims=True)
        count = np.maximum(np.ceil(left / least), 1)
        self.pull_alike(left / count, np.minimum(count, parts + executions))

    def _take(self, counts: np.ndarray, usual: np.ndarray) -> None:
        """Add so many shards to each execution."""
        shifts, takes = self._shifts, counts > 0
        work = usual * shifts.slow
        wait = np.where(self.is_new, shifts.late, shifts.call)
        last_wait = np.where(counts > 1, shifts.call, wait)
        worked = counts * work
        self.busy = self.busy + worked
        worked += counts * shifts.call
        worked += takes * (wait - shifts.call)
        self.free = self.free + worked
        self.sent = np.where(takes, self.free - work - last_wait, self.sent)
        self.usual = np.where(takes, usual, self.usual)
        self.is_new = self.is_new & ~takes

    def _counts(self, usual: np.ndarray, count: np.ndarray) -> np.ndarray:
        """Return how many shards each takes, found by when the last is taken."""
        call = self._shifts.call
        cycle = usual * self._shifts.slow + call
        again = self.free + self.is_new * (self._shifts.late - call)
        one_each = np.all(count == self.free.shape[1]) and self.is_new.all()
        if one_each and np.all(again + cycle >= self.free.max(axis=1, keepdims=True)):
            return np.ones_like(self.free)
        rate = np.broadcast_to(1 / cycle, self.free.shape)
        low = self.free.min(axis=1, keepdims=True)
        high = again.max(axis=1, keepdims=True)
        high = high + count / rate.sum(axis=1, keepdims=True)
        first_at = self.free if self.is_new.any() else None
        for _ in range(_ROUNDS):
            middle = (low + high) / 2
            taken = _taken_by(middle, again, rate, first_at).sum(axis=1, keepdims=True)
            high = np.where(taken >= count, middle, high)
            low = np.where(taken >= count, low, middle)
        return _taken_by(high, again, rate, first_at)


def _taken_by(
    when: np.ndarray, again: np.ndarray, rate: np.ndarray, first_at: np.ndarray | None
) -> np.ndarray:
    """Return the shards each has by then; one that is late holds its first."""
    count = when - again
    count *= rate
    np.floor(count, out=count)
    count += 1
    held = np.float32(0) if first_at is None else when >= first_at
    taken: np.ndarray = np.maximum(count, held, out=count)
    return taken


def _hedged(shifts: Shifts, work: _Work, ends: np.ndarray, shards: int) -> np.ndarray:
    """Send the last few shards again, once they take twice as long as the others."""
    executions = ends.shape[1]
    # The usual time is a median: it has a cold start in it if all shards are a first
    # one, and none if half of them are.
    firsts = (~work.is_new).sum(axis=1, keepdims=True, dtype=np.float32)
    start = shifts.start * np.clip(2 * firsts / shards - 1, 0, 1)
    few = max(1, int(shards * _LAST_SHARE))
    place = max(0, executions - 1 - few)
    few_left = np.partition(ends, place, axis=1)[:, place : place + 1]
    usual = shifts.call + work.usual
    patience = np.maximum(_NOT_BEFORE_S, _TIMES_AS_LONG * (start + usual))
    sent_again = np.maximum(few_left, work.sent + patience)
    earliest: np.ndarray = np.minimum(ends, sent_again + usual)
    return earliest
