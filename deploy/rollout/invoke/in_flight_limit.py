"""A limit on calls in flight: lowered when Lambda throttles, then raised again."""

from __future__ import annotations

import asyncio
import math
import time
from collections import deque

# AWS adds 1,000 executions in so long:
# https://docs.aws.amazon.com/lambda/latest/dg/lambda-concurrency.html
_RECOVERED_AFTER_S = 10.0


class InFlightLimit:
    """
    Async context manager that caps calls in flight.

    Each throttled call lowers the limit, so as many stay in flight as were accepted.
    From then on the limit rises, slowly at first, ever faster, back to its maximum
    within ten seconds: while the account is full, that costs a few refusals a second.

    >>> async def use():
    ...     limit = InFlightLimit(10)
    ...     async with limit:
    ...         limit.throttled()
    ...     return limit.limit
    >>> asyncio.run(use())
    1
    """

    def __init__(self, maximum: int) -> None:
        self.in_flight = 0
        self._maximum = maximum
        self._accepted = maximum  # calls that Lambda took at once,
        self._since = time.monotonic()  # at this moment
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._timer: asyncio.TimerHandle | None = None

    @property
    def limit(self) -> int:
        """Calls that may be in flight now."""
        share = (time.monotonic() - self._since) / _RECOVERED_AFTER_S
        return min(self._maximum, self._accepted + math.floor(self._maximum * share**2))

    async def __aenter__(self) -> None:
        """Wait until one more call may start; first come, first served."""
        if not self._waiting and self.in_flight < self.limit:
            self.in_flight += 1
            return
        admitted = asyncio.get_running_loop().create_future()
        self._waiting.append(admitted)
        self._admit()
        try:
            await admitted
        except asyncio.CancelledError:
            if admitted.done() and not admitted.cancelled():
                self._leave()
            raise

    async def __aexit__(self, *_: object) -> None:
        """Admit the next call."""
        self._leave()

    def throttled(self) -> None:
        """Record, inside the context, that Lambda throttled this call."""
        self._accepted = max(1, min(self.in_flight - 1, self.limit))
        self._since = time.monotonic()

    def _leave(self) -> None:
        self.in_flight -= 1
        self._admit()

    def _admit(self) -> None:
        while self._waiting and self.in_flight < self.limit:
            admitted = self._waiting.popleft()
            if not admitted.done():
                self.in_flight += 1
                admitted.set_result(None)
        if self._waiting and self._timer is None and self.limit < self._maximum:
            wait_s = self._limit_rises_at() - time.monotonic()
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(max(0.0, wait_s), self._on_timer)

    def _on_timer(self) -> None:
        self._timer = None
        self._admit()

    def _limit_rises_at(self) -> float:
        missing = self.in_flight + 1 - self._accepted
        share = math.sqrt(max(0, missing) / self._maximum)
        return self._since + share * _RECOVERED_AFTER_S
