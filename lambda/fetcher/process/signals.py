"""Ctrl-C while a command has nothing to lose: one line, and no traceback."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

    _Handler = Callable[[int, FrameType | None], object] | signal.Handlers

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

    for number in (signal.SIGINT, signal.SIGTERM):
        handle(number, end)


def raise_when_interrupted() -> None:
    """Have SIGINT raise `KeyboardInterrupt`, and SIGTERM end, as in any Python."""
    handle(signal.SIGINT, signal.default_int_handler)
    handle(signal.SIGTERM, signal.SIG_DFL)


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
