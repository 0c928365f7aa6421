"""Idle entries: the one used last is used first, and old ones leave."""

import asyncio
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Idle(Generic[T]):
    """
    A stack whose entries leave after a while.

    Args:
        keep_s: Seconds an entry may wait.

        on_expired: Called with each entry that waited longer, already removed.
    """

    def __init__(self, keep_s: float, on_expired: Callable[[T], None]) -> None:
        self._keep_s = keep_s
        self._on_expired = on_expired
        self._since: dict[T, float] = {}  # the oldest first
        self._timer: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return len(self._since)

    def push(self, entry: T) -> None:
        """Add an entry."""
        loop = asyncio.get_running_loop()
        self._since[entry] = loop.time()
        if self._timer is None:
            self._timer = loop.call_later(self._keep_s, self._expire)

    def pop(self) -> T | None:
        """Take the entry used last, if there is one."""
        return self._since.popitem()[0] if self._since else None

    def remove(self, entry: T) -> None:
        """Take an entry out, if it is there."""
        self._since.pop(entry, None)

    def clear(self) -> None:
        """Take all entries out."""
        self._since.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _expire(self) -> None:
        loop = asyncio.get_running_loop()
        now = loop.time()
        while self._since:
            entry, since = next(iter(self._since.items()))
            if since + self._keep_s > now:
                self._timer = loop.call_at(since + self._keep_s, self._expire)
                return
            del self._since[entry]
            self._on_expired(entry)
        self._timer = None
