"""
AWS's pace: the rates at which functions get new environments and may be called.

A function gets 1,000 new environments in 10 s. What it did not use is refilled
continuously and does not add up beyond that (AWS's page scaling-behavior). It may be
called ten times a second for each execution that may run at once, counting its reserved
concurrency, or else the unreserved concurrency that all other functions share. Events
are limited by concurrency only (AWS's page gettingstarted-limits). The reasons are
those of botocore's model; AWS documents none for a function that cannot scale faster.
"""

import time
from collections import defaultdict
from collections.abc import Callable

# AWS's, as in fleet.toml; not those that a user has measured.
_NEW_ENVIRONMENTS = 1_000
_REFILLED_IN_S = 10
_CALLS_PER_EXECUTION_S = 10

CANNOT_SCALE = "ConcurrentInvocationLimitExceeded"
CALLED_TOO_OFTEN = "FunctionInvocationRateLimitExceeded"
RESERVED_CALLED_TOO_OFTEN = "ReservedFunctionInvocationRateLimitExceeded"

Clock = Callable[[], float]


class Allowance:
    """
    A token bucket.

    Args:
        capacity: Tokens at first, and at most.

        per_s: Tokens refilled per second.
    """

    def __init__(self, capacity: float, per_s: float, clock: Clock) -> None:
        self.capacity = capacity
        self._per_s = per_s
        self._clock = clock
        self._left = capacity
        self._at = clock()

    def has_one(self) -> bool:
        """Return whether a token is left."""
        now = self._clock()
        self._left = min(self.capacity, self._left + (now - self._at) * self._per_s)
        self._at = now
        return self._left >= 1

    def take(self) -> None:
        """Use a token."""
        self._left -= 1


class AwsPace:
    """The rates of all functions, which any hashable object may stand for."""

    def __init__(self, clock: Clock = time.monotonic) -> None:
        self._clock = clock
        self._environments = defaultdict[object, Allowance](self._full_allowance)
        self._calls: dict[object, Allowance] = {}

    def forget(self, function: object) -> None:
        """Forget a deleted function."""
        self._environments.pop(function, None)
        self._calls.pop(function, None)

    def refuse_or_count(
        self,
        function: object,
        *,
        reserved: int | None,
        shared: int,
        is_cold: bool,
        is_event: bool = False,
    ) -> str | None:
        """
        Count a call, or return the reason why it comes too early.

        Args:
            function: The function called.

            reserved: The function's own share of the concurrency, if it has one.

            shared: The concurrency shared by functions without one.

            is_cold: Whether it takes a new environment.

            is_event: Whether it is an event, of which there may be any number.
        """
        calls = self._calls_of(function, reserved, shared)
        if not is_event and not calls.has_one():
            return CALLED_TOO_OFTEN if reserved is None else RESERVED_CALLED_TOO_OFTEN
        if is_cold:
            environments = self._environments[function]
            if not environments.has_one():
                return CANNOT_SCALE
            environments.take()
        if not is_event:
            calls.take()
        return None

    def _full_allowance(self) -> Allowance:
        per_s = _NEW_ENVIRONMENTS / _REFILLED_IN_S
        return Allowance(_NEW_ENVIRONMENTS, per_s, self._clock)

    def _calls_of(
        self, function: object, reserved: int | None, shared: int
    ) -> Allowance:
        owner = None if reserved is None else function
        concurrency = shared if reserved is None else reserved
        per_s = _CALLS_PER_EXECUTION_S * concurrency
        known = self._calls.get(owner)
        if known is None or known.capacity != per_s:  # the concurrency was changed
            known = self._calls[owner] = Allowance(per_s, per_s, self._clock)
        return known
