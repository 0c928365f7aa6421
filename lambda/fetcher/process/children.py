"""Forked processes: each does one piece of work and sends back what came of it."""

from __future__ import annotations

import os
import select
import signal
import traceback
from threading import Thread
from time import monotonic, sleep
from typing import TYPE_CHECKING, NamedTuple, Self

from fetcher.process.memory import peak_rss_bytes

if TYPE_CHECKING:
    from collections.abc import Callable

_READ_BYTES = 2**18
_LOOK_EVERY_S = 0.2  # at the parent
_DONE, _FAILED = b"d", b"f"  # first byte of what a child sends


class Result(NamedTuple):
    """
    What a child has left.

    Attributes:
        data: What its work returned; None: it died first.

        peak_rss_bytes: The most memory it ever held.
    """

    data: bytes | None
    error: str
    cpu_s: float
    peak_rss_bytes: int


class ChildError(RuntimeError):
    """The work of a child raised; the message is its traceback."""


class Children:
    """
    Context of forked processes; those that have not ended when it is left are killed.

    They need pipes and fork alone: on Lambda there is no /dev/shm for
    `multiprocessing`. One whose parent dies ends by itself.
    """

    def __init__(self) -> None:
        self._pids: dict[int, int] = {}  # by pipe

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for pipe in list(self._pids):
            self._buried(pipe, b"", kill=True)

    def fork(self, work: Callable[[], bytes]) -> None:
        """Do this work in a new process."""
        reader, writer = os.pipe()
        parent = os.getpid()
        pid = os.fork()
        if not pid:
            _work(work, writer, parent)
        os.close(writer)
        self._pids[reader] = pid

    def results(self, until: float) -> list[Result]:
        """
        Wait for all until a moment of the monotonic clock; then kill the others.

        Returns:
            One for each, in the order of their start.

        Raises:
            ChildError: If the work of one raised.
        """
        came = {pipe: bytearray() for pipe in self._pids}
        found = {}
        while self._pids and (left_s := until - monotonic()) > 0:
            for pipe in select.select(list(self._pids), [], [], left_s)[0]:
                if data := os.read(pipe, _READ_BYTES):
                    came[pipe] += data
                else:
                    found[pipe] = self._buried(pipe, bytes(came[pipe]))
        for pipe in list(self._pids):
            found[pipe] = self._buried(pipe, b"", kill=True)
        return [found[pipe] for pipe in came]

    def _buried(self, pipe: int, came: bytes, *, kill: bool = False) -> Result:
        """Close a child's pipe and wait for its end."""
        pid = self._pids.pop(pipe)
        os.close(pipe)
        if kill:
            os.kill(pid, signal.SIGKILL)
        _, status, usage = os.wait4(pid, 0)
        if came.startswith(_FAILED):
            raise ChildError(came[1:].decode(errors="replace"))
        code = os.waitstatus_to_exitcode(status)
        error = f"signal {-code}" if code < 0 else f"status {code}"
        return Result(
            None if code else came[1:],
            error if code else "",
            usage.ru_utime + usage.ru_stime,
            peak_rss_bytes(usage),
        )


def _work(work: Callable[[], bytes], writer: int, parent: int) -> None:
    """Be a child, to the end."""
    status = 1
    try:
        Thread(target=_end_with, args=(parent,), daemon=True).start()
        _send(writer, _DONE + work())
        status = 0
    except BaseException:  # noqa: BLE001 - the parent raises it
        _send(writer, _FAILED + traceback.format_exc().encode(errors="replace"))
    finally:
        os._exit(status)


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        sleep(_LOOK_EVERY_S)
    os._exit(1)


def _send(pipe: int, data: bytes) -> None:
    left = memoryview(data)
    while left:
        left = left[os.write(pipe, left) :]
