"""Forked processes: each does its work and sends through a pipe what came of it."""

from __future__ import annotations

import os
import select
import signal
import traceback
from functools import partial
from threading import Thread
from time import monotonic, sleep
from typing import TYPE_CHECKING, NamedTuple, Self

from fetcher.process.memory import peak_rss_bytes

if TYPE_CHECKING:
    from collections.abc import Callable

_READ_BYTES = 2**18
_LOOK_EVERY_S = 0.2  # at the parent
_LEFT_S = 2.0  # after its death, to leave nothing unfinished behind
_DONE, _FAILED = b"d", b"f"  # first byte of what a child sends


class Result(NamedTuple):
    """
    What a child has left.

    Attributes:
        data: What its work returned; None: it died first.

        error: The signal or the status that it ended with, if that was no good end.

        peak_rss_bytes: The most memory it ever held.
    """

    data: bytes | None
    error: str
    cpu_s: float
    peak_rss_bytes: int


class ChildError(RuntimeError):
    """The work of a child raised; the message is its traceback."""


class Child:
    """
    A forked process. Once its parent has died, it has two seconds to end.

    It needs a pipe and fork alone: on Lambda there is no /dev/shm for
    `multiprocessing`.

    Args:
        work: All that is done there; called with the end of a pipe to write to.

    Attributes:
        pid: The process's id.

        pipe: The end to read from, of a pipe that only the child writes to.
    """

    def __init__(self, work: Callable[[int], None]) -> None:
        self.pipe, writer = os.pipe()
        parent = os.getpid()
        self.pid = os.fork()
        if not self.pid:
            status = 1
            try:
                os.close(self.pipe)
                Thread(target=_end_with, args=(parent,), daemon=True).start()
                work(writer)
                status = 0
            finally:
                os._exit(status)
        os.close(writer)

    def bury(self, *, kill: bool = False) -> Result:
        """Close the pipe and wait for the process's end; return what is known of it."""
        os.close(self.pipe)
        if kill:
            os.kill(self.pid, signal.SIGKILL)
        _, status, usage = os.wait4(self.pid, 0)
        code = os.waitstatus_to_exitcode(status)
        error = f"signal {-code}" if code < 0 else f"status {code}"
        cpu_s = usage.ru_utime + usage.ru_stime
        return Result(None, error if code else "", cpu_s, peak_rss_bytes(usage))


class Children:
    """Context of processes; those that have not ended when it is left are killed."""

    def __init__(self) -> None:
        self._running: dict[int, Child] = {}  # by pipe

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for pipe in list(self._running):
            self._running.pop(pipe).bury(kill=True)

    def fork(self, work: Callable[[], bytes]) -> None:
        """Do this work in a new process."""
        child = Child(partial(_send_result, work))
        self._running[child.pipe] = child

    def results(self, until: float) -> list[Result]:
        """
        Wait for all until a moment of the monotonic clock; then kill the others.

        Returns:
            One for each, in the order of their start.

        Raises:
            ChildError: If the work of one raised.
        """
        came = {pipe: bytearray() for pipe in self._running}
        found = {}
        while self._running and (left_s := until - monotonic()) > 0:
            for pipe in select.select(list(self._running), [], [], left_s)[0]:
                if data := os.read(pipe, _READ_BYTES):
                    came[pipe] += data
                    continue
                result = self._running.pop(pipe).bury()
                if came[pipe].startswith(_FAILED):
                    raise ChildError(came[pipe][1:].decode(errors="replace"))
                whole = None if result.error else bytes(came[pipe][1:])
                found[pipe] = result._replace(data=whole)
        for pipe in list(self._running):
            found[pipe] = self._running.pop(pipe).bury(kill=True)
        return [found[pipe] for pipe in came]


def _send_result(work: Callable[[], bytes], pipe: int) -> None:
    try:
        data = _DONE + work()
    except BaseException:  # noqa: BLE001 - the parent raises it
        data = _FAILED + traceback.format_exc().encode(errors="replace")
    with open(pipe, "wb", closefd=False) as file:
        file.write(data)


def _end_with(parent: int) -> None:
    signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    while os.getppid() == parent:
        sleep(_LOOK_EVERY_S)
    sleep(_LEFT_S)
    os._exit(1)
