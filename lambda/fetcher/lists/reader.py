"""Process that reads a list to its end; others already work on what is there."""

from __future__ import annotations

import gc
import os
import signal
from typing import TYPE_CHECKING, NoReturn

from fetcher.lists.problems import UrlListError
from fetcher.process.memory import peak_rss_bytes

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

_LOOK_EVERY_S = 0.5  # at the parent
_BREAK_OFF = signal.SIGUSR1


class _BrokenOffError(BaseException):
    """The run has ended. Nobody who expects an `Exception` may catch it."""


class ReaderProcess:
    """
    The process, begun.

    Args:
        read_on: Reads some more there; False: there is no more.

        fail: Called there with what went wrong.

        broken_off: Returns there why less than all was read.

    Attributes:
        pipe: The end to read from of one that only it holds the other end of.
    """

    def __init__(
        self,
        read_on: Callable[[], bool],
        fail: Callable[[str], None],
        broken_off: Callable[[], str],
    ) -> None:
        parent = os.getpid()
        self.pipe, writes = os.pipe()
        self._pid = os.fork()
        if not self._pid:
            os.close(self.pipe)
            _work(parent, read_on, fail, broken_off)
        os.close(writes)

    def break_off(self) -> None:
        """Have it end the list where it is."""
        os.kill(self._pid, _BREAK_OFF)

    def end(self) -> int:
        """End it, and return the most bytes that it held."""
        os.kill(self._pid, signal.SIGKILL)
        os.close(self.pipe)
        return peak_rss_bytes(os.wait4(self._pid, 0)[2])


def _work(
    parent: int,
    read_on: Callable[[], bool],
    fail: Callable[[str], None],
    broken_off: Callable[[], str],
) -> NoReturn:
    def break_off(_signal: int, _frame: FrameType | None) -> None:
        signal.signal(_BREAK_OFF, signal.SIG_IGN)
        raise _BrokenOffError(broken_off())

    def look(_signal: int, _frame: FrameType | None) -> None:
        if os.getppid() != parent:
            os._exit(1)

    try:
        gc.freeze()
        gc.set_threshold(100_000)  # hundreds of rows come and go, without cycles
        gc.enable()
        signal.signal(_BREAK_OFF, break_off)
        for one in (signal.SIGINT, signal.SIGTERM):  # the parent decides
            signal.signal(one, signal.SIG_IGN)
        signal.signal(signal.SIGALRM, look)  # whatever it waits for
        signal.setitimer(signal.ITIMER_REAL, _LOOK_EVERY_S, _LOOK_EVERY_S)
        while read_on():
            pass
    except BaseException as error:  # noqa: BLE001 - the parent shows it
        is_told = isinstance(error, (UrlListError, _BrokenOffError))
        fail(str(error) if is_told else repr(error))
    finally:
        os._exit(0)
