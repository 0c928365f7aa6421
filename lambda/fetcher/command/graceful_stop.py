"""Handling of SIGINT and SIGTERM: they bring the deadline forward to now."""

from __future__ import annotations

import signal
from threading import main_thread
from typing import TYPE_CHECKING, Self

from fetcher.process.signals import handle

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Stops:
    """
    Handler of the signals inside `with`; SIGINT stays ignored if it is.

    SIGTERM is handled always: it is also how a run ends its own processes.

    Attributes:
        came: Whether one has come.
    """

    def __init__(self) -> None:
        self.came = False
        self._call: Callable[[], None] = _nothing

    def __enter__(self) -> Self:
        self._before = [
            handle(signal.SIGINT, self._stop),
            signal.signal(signal.SIGTERM, self._stop),
        ]
        return self

    def __exit__(self, *_: object) -> None:
        for which, handler in zip(SIGNALS, self._before, strict=True):
            signal.signal(which, handler)

    def then(self, call: Callable[[], None]) -> None:
        """Have this called when a signal comes; at once if one has come."""
        self._call = call
        if self.came:
            call()

    def stop(self) -> None:
        """Act as if a signal had come. Safe to call from any thread."""
        thread = main_thread().ident
        assert thread is not None, "the main thread is running"
        signal.pthread_kill(thread, signal.SIGTERM)  # it may be waiting for a socket

    def _stop(self, _signal: int, _frame: FrameType | None) -> None:
        self.came = True
        self._call()


def _nothing() -> None: ...
