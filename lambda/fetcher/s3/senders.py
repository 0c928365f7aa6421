"""Threads that send to S3 while the downloads go on."""

from __future__ import annotations

from collections import deque
from threading import Condition, Event, Thread
from time import monotonic
from typing import TYPE_CHECKING

from fetcher.s3.connection import Connection
from fetcher.s3.scratch_files import Part

if TYPE_CHECKING:
    from collections.abc import Callable

    from fetcher.s3.credentials import S3Credentials

    Send = Callable[[Connection], None]

_LEFT_BEHIND_S = 2.0  # libcurl looks once a second whether it is to stop


class Senders:
    """
    Threads that send what they are given, each over its own connection.

    They start as there is work; there are never more than `most`.

    Attributes:
        pending_files: How many of the pending bodies are in files.

        stopped: Set by `close`.
    """

    def __init__(self, credentials: S3Credentials, most: int) -> None:
        self.pending_bytes = 0
        self.pending_files = 0
        self.stopped = Event()
        self._credentials = credentials
        self._most = most
        self._waiting: deque[tuple[Send, bytes | Part]] = deque()
        self._changed = Condition()
        self._pending = 0
        self._threads: list[Thread] = []
        self._failed: BaseException | None = None

    def submit(self, send: Send, body: bytes | Part) -> None:
        """
        Have a body sent, soon; a part is released afterwards, sent or not.

        Raises:
            BaseException: What the `send` of a body before raised; `wait` does, too.
        """
        if self._failed:
            _release(body)
            raise self._failed.with_traceback(None)  # it would grow
        with self._changed:
            self._waiting.append((send, body))
            self._pending += 1
            self.pending_bytes += _size_of(body)
            self.pending_files += isinstance(body, Part)
            is_short = len(self._threads) < min(self._most, self._pending)
            self._changed.notify()
        if is_short:
            thread = Thread(target=self._work, daemon=True)
            self._threads.append(thread)
            thread.start()

    def wait(self, until: float) -> bool:
        """Wait until then at most; tell whether all is done."""
        with self._changed:
            self._changed.wait_for(
                lambda: self._failed or not self._pending, until - monotonic()
            )
            if self._failed:
                raise self._failed
            return not self._pending

    def close(self) -> None:
        """Abort what is in flight."""
        self.stopped.set()
        with self._changed:
            self._changed.notify_all()
        latest = monotonic() + _LEFT_BEHIND_S
        for thread in self._threads:
            thread.join(max(0.0, latest - monotonic()))
        for _, body in self._waiting:
            _release(body)
        self._waiting.clear()

    def _work(self) -> None:
        connection = Connection(self._credentials, self.stopped)
        try:
            while job := self._next():
                self._do(connection, *job)
        finally:
            connection.close()

    def _do(self, connection: Connection, send: Send, body: bytes | Part) -> None:
        failed: BaseException | None = None
        try:
            try:
                send(connection)
            finally:
                _release(body)
        except BaseException as error:  # noqa: BLE001 - raised in `submit` and `wait`
            failed = error
        with self._changed:
            self._failed = self._failed or failed
            self._pending -= 1
            self.pending_bytes -= _size_of(body)
            self.pending_files -= isinstance(body, Part)
            if failed or not self._pending:
                self._changed.notify_all()

    def _next(self) -> tuple[Send, bytes | Part] | None:
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self.stopped.is_set())
            return None if self.stopped.is_set() else self._waiting.popleft()


def _size_of(body: bytes | Part) -> int:
    return body.size if isinstance(body, Part) else len(body)


def _release(body: bytes | Part) -> None:
    if isinstance(body, Part):
        body.release()
