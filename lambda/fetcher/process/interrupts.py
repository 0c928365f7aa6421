"""Ctrl-C while a command has nothing to lose: one line, and no traceback."""

from __future__ import annotations

import os
import signal

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

    for signum in (signal.SIGINT, signal.SIGTERM):
        signal.signal(signum, end)


def raise_when_interrupted() -> None:
    """Restore Python's handling: SIGINT raises `KeyboardInterrupt`, SIGTERM ends."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
