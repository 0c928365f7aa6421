"""Backing off from a host that answers some requests with 429 or 503."""

from __future__ import annotations

import math
from http import HTTPStatus

# How often a URL may be refused because its host is asked too much before that costs
# attempts. Some sites answer a single URL so, for ever.
MOST_SPARED = {
    HTTPStatus.TOO_MANY_REQUESTS.value: 10,
    HTTPStatus.SERVICE_UNAVAILABLE.value: 2,
}
# Additive increase, multiplicative decrease, as TCP has it: of requests a second and
# of requests at once. A host that refuses most requests is then asked as often as it
# has answered so far, waits included: a limit of 5 a second is found at once.
_MARGIN = 0.95  # below what was found, for requests do not arrive evenly
_DECREASE = 0.8
_MOST_DECREASE = 0.5
FEW = 0.25  # refusals for each answer: an accident, and waits do not count
_USUAL_PERIOD_S = 1.0  # that limits are for
_HOLD_S = 15.0  # at a new rate, before it rises
_RISE_PER_S = 0.1  # of the new rate
# A 503 that names no time may have nothing to do with how often the host is asked.
_LEAST_RATES = {True: 0.5, False: 4.0}
_MOST_REFUSALS = 5  # in a row, each with a longer wait; then the host is given up


class HostBackoff:
    """
    How hard one host may be pressed, from its first refusal on.

    `accepted` counts its good answers since the first, which came at `since`.

    Attributes:
        refusals: Refusals in a row; those of requests begun together are one.

        limit: Requests in flight at once.
    """

    def __init__(self, since: float, accepted: int) -> None:
        self._since = since
        self._accepted = accepted
        self._refused = 0
        self._paused_at = since
        self._rate = math.inf
        self._least_rate = 0.0
        self._asked_at = math.inf  # with the first request at the latest rate
        self._resumes_at = 0.0
        self._next_at = 0.0
        self._wait_s = 0.0
        self._waited_s = 0.0  # without an answer since
        self.limit = math.inf
        self.refusals = 0

    def is_hopeless(self, most_s: float, *, has_answered: bool) -> bool:
        """
        Tell whether waiting has been in vain too often, or would take too long.

        A host that has answered before is waited for once, however long it asks for.
        """
        is_once = has_answered and self.refusals == 1
        too_long = self._waited_s > most_s and not is_once
        return too_long or self.refusals > _MOST_REFUSALS

    def free_at(self) -> float:
        """Return when the next request may begin."""
        return max(self._next_at, self._resumes_at)

    def start(self, now: float) -> None:
        """Count a request that begins."""
        if self._asked_at == math.inf:
            self._settle(now)
        interval_s = 1 / self._rate_at(now)
        # One that began late, as machines are busy, does not make all others late.
        self._next_at = max(self._next_at + interval_s, now)

    def accept(self, now: float) -> None:
        """Count an answer that is no refusal."""
        self._since = self._since or now
        self._accepted += 1
        self.limit += 1 / self.limit
        self.refusals, self._waited_s = 0, 0.0

    def refuse(
        self,
        begun_at: float,
        wait_s: float,
        in_flight: int,
        now: float,
        *,
        is_clear: bool = True,
    ) -> None:
        """
        Slow down, unless it was begun before we last did: then only wait.

        `in_flight` counts this request, too; `is_clear`: the host has said that it is
        asked too often.
        """
        self._since = self._since or now
        self._refused += 1
        self._least_rate = _LEAST_RATES[is_clear]
        is_first = not self._resumes_at
        if is_first or begun_at >= self._asked_at:
            self.refusals += 1
            self._waited_s += wait_s
            self._resumes_at = now + wait_s
            if self._asked_at < math.inf:
                self._rate = self._rate_at(now)
            self._asked_at = math.inf
            self._paused_at, self._wait_s = now, wait_s
            self.limit = max(1.0, _DECREASE * min(self.limit, in_flight))
        self._resumes_at = max(self._resumes_at, now + wait_s)

    def _settle(self, now: float) -> None:
        """Choose the new rate, now that all before are likely to have ended."""
        if self._refused <= FEW * self._accepted:
            asked_s = max(self._paused_at - self._since, 0.01)
            rate = _DECREASE * self._accepted / asked_s
        else:
            seconds = self._paused_at - self._since + self._wait_s
            seconds = max(seconds, _USUAL_PERIOD_S)
            rate = _MARGIN * self._accepted / seconds
        if self._rate < math.inf:
            rate = min(max(rate, _MOST_DECREASE * self._rate), _DECREASE * self._rate)
        self._rate = max(rate, self._least_rate)
        self._asked_at = self._next_at = now
        self._since = 0.0  # until the first answer at this rate
        self._accepted = self._refused = 0

    def _rate_at(self, now: float) -> float:
        held_s = now - self._asked_at
        return self._rate * (1 + _RISE_PER_S * max(0.0, held_s - _HOLD_S))
