"""SIGINT and SIGTERM: an end in one line, or the deadline brought forward to now."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

    _Handler = Callable[[int, FrameType | None], object] | signal.Handlers

SIGNALS = (signal.SIGINT, signal.SIGTERM)
INTERRUPTED = 130  # 128 + SIGINT, as shells count
_STDERR = 2


def quit_when_interrupted(command: str) -> None:
    """
    Make SIGINT and SIGTERM end this process at once, until others handle them.

    An exception would not do: some that are raised during imports are only printed.
    """
    line = f"{command}: interrupted\n".encode()

    def end(_signum: int, _frame: object) -> None:
        try:
            os.write(_STDERR, line)
        finally:
            os._exit(INTERRUPTED)

    for number in SIGNALS:
        handle(number, end)


def handle(number: signal.Signals, handler: _Handler) -> _Handler | int | None:
    """
    Set a signal's handler, unless the signal is ignored.

    Whoever started this process wants that: shells have SIGINT ignored by what a
    script runs in the background.

    Returns:
        What handled it before.
    """
    before = signal.getsignal(number)
    if before is not signal.SIG_IGN:
        signal.signal(number, handler)
    return before


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
        from threading import main_thread  # noqa: PLC0415 - hardly ever needed

        thread = main_thread().ident
        assert thread is not None, "the main thread is running"
        signal.pthread_kill(thread, signal.SIGTERM)  # it may be waiting for a socket

    def _stop(self, _signal: int, _frame: FrameType | None) -> None:
        self.came = True
        self._call()


def _nothing() -> None: ...
