"""Run a notebook as a batch job: check its parameters, print where its results are."""

from __future__ import annotations

if __name__ == "__main__":  # what follows takes a second
    from fetcher.process.signals import quit_when_interrupted

    quit_when_interrupted("experiment")

import logging
import signal
import sys
from importlib import import_module
from time import monotonic
from typing import TYPE_CHECKING

from fetcher.process.signals import INTERRUPTED, handle

if TYPE_CHECKING:
    from collections.abc import Sequence

_CLEANING_UP_S = 10.0
# By their first word; each takes up to a second to import. A notebook is run.
_MODULES = {
    "report": "pages",
    "show": "pages",
    "plan": "plan",
    "calibrate": "calibrate",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    try:
        words = sys.argv[1:] if argv is None else list(argv)
        name = _MODULES.get(words[0] if words else "", "notebook_runner")
        module = import_module(f"experiment.command.{name}")
        if argv is None and name == "notebook_runner":
            _protect_clean_up()
        is_named = words[:1] == [name] and name in _MODULES  # no notebook is
        status: int = module.run(words[1:] if is_named else words)
        return status
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
