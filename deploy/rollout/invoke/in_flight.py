"""How many calls are in flight: fewer once one is turned away, then more again."""

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
    A context for each call, of which so many are open at once.

    A call that is turned away takes its place along, so as many stay in flight as were
    accepted. From then on places come back, slowly at first, ever faster, all within
    ten seconds: where there is no room it costs a few refusals a second to know.

    Args:
        most: Calls at once when none is turned away.
    """

    def __init__(self, most: int) -> None:
        self.in_flight = 0
        self._most = most
        self._least = most  # what was known to be accepted,
        self._since = time.monotonic()  # at this moment
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._alarm: asyncio.TimerHandle | None = None

    @property
    def places(self) -> int:
        """Calls that may be in flight now."""
        share = (time.monotonic() - self._since) / _RECOVERED_AFTER_S
        return min(self._most, self._least + math.floor(self._most * share**2))

    async def __aenter__(self) -> None:
        """Wait for a place; first come, first served."""
        if not self._waiting and self.in_flight < self.places:
            self.in_flight += 1
            return
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        self._admit()
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._leave()
            raise

    async def __aexit__(self, *_: object) -> None:
        """Let the next one in."""
        self._leave()

    def throttled(self) -> None:
        """Note, within its context, that a call was one too many."""
        self._least = max(1, min(self.in_flight - 1, self.places))
        self._since = time.monotonic()

    def _leave(self) -> None:
        self.in_flight -= 1
        self._admit()

    def _admit(self) -> None:
        while self._waiting and self.in_flight < self.places:
            turn = self._waiting.popleft()
            if not turn.done():
                self.in_flight += 1
                turn.set_result(None)
        if self._waiting and self._alarm is None and self.places < self._most:
            wait_s = self._next_place_at() - time.monotonic()
            loop = asyncio.get_running_loop()
            self._alarm = loop.call_later(max(0.0, wait_s), self._on_alarm)

    def _on_alarm(self) -> None:
        self._alarm = None
        self._admit()

    def _next_place_at(self) -> float:
        more = self.in_flight + 1 - self._least
        share = math.sqrt(max(0, more) / self._most)
        return self._since + share * _RECOVERED_AFTER_S
