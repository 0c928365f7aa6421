"""What SIGINT and SIGTERM do: they bring the deadline to now, nothing is lost."""

from __future__ import annotations

import signal
from threading import main_thread
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Stops:
    """
    Handles the signals between `with` and its end.

    Attributes:
        came: Whether one has come.
    """

    def __init__(self) -> None:
        self.came = False
        self._call: Callable[[], None] = _nothing

    def __enter__(self) -> Self:
        self._before = [signal.signal(kind, self._stop) for kind in SIGNALS]
        return self

    def __exit__(self, *_: object) -> None:
        for which, handler in zip(SIGNALS, self._before, strict=True):
            signal.signal(which, handler)

    def then(self, call: Callable[[], None]) -> None:
        """Have this called when one comes; at once if one has come."""
        self._call = call
        if self.came:
            call()

    def stop(self) -> None:
        """Do as if one came. Safe to call from any thread."""
        thread = main_thread().ident
        assert thread is not None, "the main thread is running"
        signal.pthread_kill(thread, signal.SIGTERM)  # it may be waiting for a socket

    def _stop(self, _signal: int, _frame: FrameType | None) -> None:
        self.came = True
        self._call()


def _nothing() -> None: ...
