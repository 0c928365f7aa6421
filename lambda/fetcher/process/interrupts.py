"""Ctrl-C while a command has nothing to lose yet: one line, and no traceback."""

from __future__ import annotations

import os
import signal

INTERRUPTED = 130  # 128 + SIGINT, as shells count
_STDERR = 2


def quit_when_interrupted(command: str) -> None:
    """
    Have SIGINT and SIGTERM end this process at once, until others handle them.

    An exception would not do: where modules are imported, some are only printed.
    """
    line = f"{command}: interrupted\n".encode()

    def end(_number: int, _frame: object) -> None:
        try:
            os.write(_STDERR, line)
        finally:
            os._exit(INTERRUPTED)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)


def raise_when_interrupted() -> None:
    """Have SIGINT raise `KeyboardInterrupt`, and SIGTERM end, as in any Python."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
