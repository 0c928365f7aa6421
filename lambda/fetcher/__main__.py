"""
The same work without Lambda: the `fetcher` command.

All that it takes is only imported when Ctrl-C ends it in one line.
"""

from __future__ import annotations

import sys

from fetcher.process.interrupts import quit_when_interrupted


def main(argv: list[str] | None = None) -> int:
    """
    Run the command.

    Args:
        argv: Its arguments; None: those of the process, which is then its own, so that
            it handles the signals.

    Returns:
        The exit status.
    """
    if argv is None:
        quit_when_interrupted("fetcher")
    from fetcher.command.main import main as run  # noqa: PLC0415 - see above

    return run(argv)


if __name__ == "__main__":
    sys.exit(main())
