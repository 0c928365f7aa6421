"""Run a notebook as a batch job: parameters checked, what came out said at the end."""

from __future__ import annotations

if __name__ == "__main__":  # what follows takes a second
    from fetcher.process.interrupts import quit_when_interrupted

    quit_when_interrupted("experiment")

import logging
import signal
import sys
from time import monotonic
from typing import TYPE_CHECKING

from fetcher.process.interrupts import INTERRUPTED, handle

if TYPE_CHECKING:
    from collections.abc import Sequence

_CLEANING_UP_S = 10.0


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    try:
        from experiment.command.runner import run  # noqa: PLC0415 - takes a second

        if argv is None:
            _clean_up_in_peace()
        return run(argv)
    except KeyboardInterrupt:
        print("\nexperiment: interrupted before anything was reported")
        return INTERRUPTED


def _clean_up_in_peace() -> None:
    """Let a second Ctrl-C not interrupt what cleans up after the first."""
    latest = -_CLEANING_UP_S

    def interrupt(_number: int, _frame: object) -> None:
        nonlocal latest
        logging.disable()  # nbclient's tasks would complain that their kernel is gone
        if monotonic() - latest >= _CLEANING_UP_S:
            latest = monotonic()
            raise KeyboardInterrupt

    for number in (signal.SIGINT, signal.SIGTERM):
        handle(number, interrupt)


if __name__ == "__main__":
    sys.exit(main())
