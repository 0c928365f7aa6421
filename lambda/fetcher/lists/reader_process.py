"""Process that reads a list to its end; others already work on what is there."""

from __future__ import annotations

import gc
import os
import signal
from typing import TYPE_CHECKING

from fetcher.lists.problems import UrlListError
from fetcher.process.children import Child

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

_BREAK_OFF = signal.SIGUSR1


class _BrokenOffError(BaseException):
    """The run has ended. Nobody who expects an `Exception` may catch it."""


class ReaderProcess(Child):
    """
    The process, begun.

    Args:
        read_on: Reads some more there; False: there is no more.

        fail: Called there with what went wrong.

        broken_off: Returns there why less than all was read.
    """

    def __init__(
        self,
        read_on: Callable[[], bool],
        fail: Callable[[str], None],
        broken_off: Callable[[], str],
    ) -> None:
        super().__init__(lambda _: _read_all(read_on, fail, broken_off))

    def break_off(self) -> None:
        """Have it end the list where it is."""
        os.kill(self.pid, _BREAK_OFF)

    def end(self) -> int:
        """End it, and return the most bytes that it held."""
        return self.bury(kill=True).peak_rss_bytes


def _read_all(
    read_on: Callable[[], bool],
    fail: Callable[[str], None],
    broken_off: Callable[[], str],
) -> None:
    def break_off(_signal: int, _frame: FrameType | None) -> None:
        signal.signal(_BREAK_OFF, signal.SIG_IGN)
        raise _BrokenOffError(broken_off())

    try:
        gc.freeze()
        gc.set_threshold(100_000)  # hundreds of rows come and go, without cycles
        gc.enable()
        signal.signal(_BREAK_OFF, break_off)
        for one in (signal.SIGINT, signal.SIGTERM):  # the parent decides
            signal.signal(one, signal.SIG_IGN)
        while read_on():
            pass
    except BaseException as error:  # noqa: BLE001 - the parent shows it
        is_told = isinstance(error, (UrlListError, _BrokenOffError))
        fail(str(error) if is_told else repr(error))
