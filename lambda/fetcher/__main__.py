"""
The `fetcher` command: the same work without Lambda.

Nothing else is imported until Ctrl-C ends the process in one line.
"""

from __future__ import annotations

import gc
import os
import sys

from fetcher.process.signals import quit_when_interrupted


def main(argv: list[str] | None = None) -> int:
    """
    Run the command.

    Args:
        argv: The arguments; None: those of the process, whose signals are then handled
            too.

    Returns:
        The exit status.
    """
    if argv is None:
        quit_when_interrupted("fetcher")
        gc.disable()  # until all modules are there: `Processes` enables it
    if sys.stderr is None:  # it was closed by whoever began this
        sys.stderr = open(os.devnull, "w")  # noqa: SIM115, PTH123
    from fetcher.command.main import main as run  # noqa: PLC0415 - see above

    return run(argv)


if __name__ == "__main__":
    sys.exit(main())
