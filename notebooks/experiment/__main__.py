"""Run a notebook as a batch job: check its parameters, print where its results are."""

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
_OF_ENDED_RUNS = ("report", "show")
_PLAN, _CALIBRATE = "plan", "calibrate"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    try:
        words = sys.argv[1:] if argv is None else argv
        if words and words[0] in _OF_ENDED_RUNS:
            from experiment.command import pages  # noqa: PLC0415 - takes a second

            return pages.run(words)
        if words and words[0] == _PLAN:
            from experiment.command import plan  # noqa: PLC0415 - half of that

            return plan.run(words[1:])
        if words and words[0] == _CALIBRATE:
            from experiment.command import calibrate  # noqa: PLC0415 - a second

            return calibrate.run(words[1:])
        from experiment.command.runner import run  # noqa: PLC0415 - the same

        if argv is None:
            _protect_clean_up()
        return run(argv)
    except KeyboardInterrupt:
        print("\nexperiment: interrupted before there was any report")
        return INTERRUPTED


def _protect_clean_up() -> None:
    """Keep a second Ctrl-C from interrupting the clean-up after the first."""
    latest = -_CLEANING_UP_S

    def interrupt(_number: int, _frame: object) -> None:
        nonlocal latest
        logging.disable()  # or nbclient's tasks complain that their kernel is gone
        if monotonic() - latest >= _CLEANING_UP_S:
            latest = monotonic()
            raise KeyboardInterrupt

    for number in (signal.SIGINT, signal.SIGTERM):
        handle(number, interrupt)


if __name__ == "__main__":
    sys.exit(main())
