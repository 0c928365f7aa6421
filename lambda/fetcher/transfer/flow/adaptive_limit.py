"""A number of connections that finds itself, by how long downloads take."""

from __future__ import annotations

import math

# The first number, in one process. Browsers open some 6 a host, download programs 100
# in all; 480 take three doublings from here.
FIRST = 64
_LEAST = 4
# Fewer cost the processor more: it finds less to do each time it looks.
_LEAST_FOR_TIME = 32
_STEP_S = 0.1  # between judgements at least: more of them cost more than they bring
_FEWEST_ENDED = 10
# How much longer downloads may take than they did at best: level, for a controller.
_TOLERANCE = 1.25
_SURE = 2.5  # standard errors: lists mix near hosts and far ones, files of all sizes
# Of downloads from hosts that have answered before: at so many failures, nobody is to
# blame. On lists of real URLs, 6 % are refused or cut, however few are in flight.
_USUAL_FAILURES = 0.06
_SURE_OF_FAILURES = 3.0
_MOST_DECREASE = 0.8
# Half the connections at least halve the share of what too many cause, unless that is
# more than three quarters; what the URLs themselves cause stays as it was.
_MOST_USUAL, _LOWERED = 0.75, 0.7
_HOLD_S = 5.0  # after failures, before the number grows again
_PROBE_EVERY_S = 5.0
_MOST_SAMPLES = 48


class AdaptiveLimit:
    """
    How many downloads may be at work at once, learnt from those that end.

    A gradient controller, as TCP Vegas and Netflix's concurrency-limits have it. The
    number doubles while downloads take no longer than with fewer; then it is multiplied
    by the least time ÷ the present one, and √number is added: a short queue where the
    bottleneck is keeps that busy. Where more of them fail than usual, it shrinks by
    their share. Each number is judged by downloads begun under it; times are left out
    of those begun when there were more than ever before, which mostly had to connect.

    Where downloads take longer for another reason, fewer connections make them no
    quicker. So every reduction is a test: if two do not help, the present time is the
    least there is now, and the number before them returns. One that is held down for
    long is tested by halving it for a moment. Likewise, if as many fail with half the
    number, that many are usual.

    Attributes:
        number: Of downloads at work, for now.

        since: Downloads begun earlier need not be told of.

        is_full: To be set when nobody may start because of it.

        samples:
            Seconds since the start, and the number from then on, for a report: a few
            dozen at most, however long it goes on.
    """

    since: float
    _sum: float
    _squares: float
    _ended: int
    _failed: int
    _timed: int

    def __init__(self, most: int, now: float) -> None:
        self._most = most
        self._started_at = now
        # All times are logarithms of seconds.
        self._least, self._least_error = math.inf, 0.0
        self._before: tuple[float, float] | None = None  # number and time, if reduced
        self._vain_from = 0.0  # number before a reduction that did not help
        self._blamed = 0.0, 0.0  # number and share of failures, before reductions
        self._usual = _USUAL_FAILURES
        self._is_doubling = True
        self._is_probing = False
        self._grows_at = now
        self._probe_at = now + _PROBE_EVERY_S
        self._step_s = 0.1  # between samples
        self.samples: list[tuple[float, int]] = []
        self._set(FIRST, now)

    def ended(self, begun_at: float, now: float, *, is_timed: bool = True) -> None:
        """Count a download that was answered; its time, too, if that tells anything."""
        if begun_at < self.since:
            return
        self._ended += 1
        if is_timed:
            seconds = math.log(max(now - begun_at, 1e-6))
            self._sum += seconds
            self._squares += seconds * seconds
            self._timed += 1
        if self._ended + self._failed >= self._enough:
            self._judge(now)

    def failed(self, begun_at: float, now: float) -> None:
        """Count one that was refused or broke, at a host that has answered before."""
        if begun_at < self.since:
            return
        self._failed += 1
        if self._ended + self._failed >= self._enough:
            self._judge(now)

    def _judge(self, now: float) -> None:
        """Choose the next number by those that ended under this one."""
        all_ = self._ended + self._failed
        share = self._failed / all_
        usual = self._usual
        sure = _SURE_OF_FAILURES * math.sqrt(usual * (1 - usual) / all_)
        if share > usual + sure:
            self._set(self._with_fewer_failures(share, now), now)
            return
        if self._timed < _FEWEST_ENDED:
            self._enough = all_ + _FEWEST_ENDED
            return
        mean = self._sum / self._timed
        variance = max(self._squares / self._timed - mean * mean, 0.0)
        begun_at = self.since
        self._set(self._next(mean, math.sqrt(variance / self._timed), now), now)
        if not self._is_doubling:
            self.since = max(now, begun_at + _STEP_S)

    def _with_fewer_failures(self, share: float, now: float) -> float:
        """Return the next number after too many failures; it was right if no fewer."""
        self._before, self._is_probing = None, False
        if now >= self._grows_at:
            self._blamed = self.number, share
        elif self.number <= max(self._blamed[0] / 2, _LEAST):
            number, before = self._blamed
            if _LOWERED * before < share <= _MOST_USUAL:
                self._usual, self._is_doubling = share, True
                self._grows_at = now
                return number
            self._blamed = self.number, share
        self._is_doubling = False
        self._grows_at = now + _HOLD_S
        return self.number * max(1 - share, _MOST_DECREASE)

    def _next(self, mean: float, error: float, now: float) -> float:
        """Return the next number, by the mean time and its standard error."""
        if self._before and (number := self._tested(*self._before, mean)):
            self._note(mean, error)
            self._probe_at = now + _PROBE_EVERY_S
            return number
        self._note(mean, error)
        unsure = _SURE * math.hypot(error, self._least_error)
        risen = mean - self._least - math.log(_TOLERANCE) - unsure
        if risen > 0:
            return self._reduced(mean, risen, now)
        if not self.is_full or now < self._grows_at:
            return self.number
        return self.number * 2 if self._is_doubling else self._grown(1.0)

    def _tested(self, number: float, time: float, mean: float) -> float:
        """
        Return the number to go back to after a test of a reduction; 0: it was right.

        One test in vain may be due to queues that are still filling: two are not. A
        time that rises meanwhile shows that something else has changed.
        """
        self._before = None
        if mean - time > math.log(_TOLERANCE):
            self._is_probing = False
            return 0.0
        is_vain = time - mean < math.log(number / self.number) / 4
        is_sure = is_vain and (self._is_probing or self._vain_from > 0)
        back_to = max(number, self._vain_from) if self._is_probing or is_sure else 0.0
        if is_sure:
            self._least, self._is_doubling = math.inf, True
        self._vain_from = number if is_vain and not is_sure else 0.0
        self._is_probing = False
        return back_to

    def _note(self, mean: float, error: float) -> None:
        """Remember a mean time if it is the least."""
        if mean < self._least:
            self._least, self._least_error = mean, error

    def _reduced(self, mean: float, risen: float, now: float) -> float:
        self._is_doubling = False
        number = self._grown(math.exp(-risen))
        number = max(number, min(self.number, _LEAST_FOR_TIME))
        if now >= self._probe_at:
            self._is_probing = True
            number = self.number / 2
        if number < self.number / 1.2:
            self._before = self.number, mean
        return number

    def _grown(self, gradient: float) -> float:
        return self.number * gradient + math.sqrt(self.number)

    def _set(self, number: float, now: float) -> None:
        """Begin to judge a number."""
        self.number = round(min(max(number, _LEAST), self._most))
        self._enough = max(_FEWEST_ENDED, self.number // 2)
        self.since = now
        self._sum = self._squares = 0.0
        self._ended = self._failed = self._timed = 0
        self.is_full = False
        self._sample(now)

    def _sample(self, now: float) -> None:
        samples, seconds = self.samples, round(now - self._started_at, 3)
        if samples and samples[-1][1] == self.number:
            return
        if len(samples) > 1 and seconds - samples[-2][0] < self._step_s:
            samples.pop()
        samples.append((seconds, self.number))
        if len(samples) > _MOST_SAMPLES:
            del samples[1:-1:2]
            self._step_s = 2 * seconds / _MOST_SAMPLES
