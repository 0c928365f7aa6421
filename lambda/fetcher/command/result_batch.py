"""Downloads that ended, collected until it is worth passing them on."""

from __future__ import annotations

from collections import Counter
from threading import Event, Lock, Thread
from typing import TYPE_CHECKING, NamedTuple, Self

from fetcher.command.report.json_lines import line_of
from fetcher.contract.outcome import Outcome
from fetcher.security.guard import HTTPS_PORT, plain_host
from fetcher.transfer.flow.download_slots import UnderWay

if TYPE_CHECKING:
    from collections.abc import Callable

    from fetcher.contract.download_results import Download
    from fetcher.contract.source import Item

    LineOf = Callable[[Item, Download], str]

_BATCH_SIZE = 256
_OK = Outcome.OK


class Ended(NamedTuple):
    """
    Some URLs that ended, ready to be reported.

    Attributes:
        positions: Their positions in the list.

        counts: URLs by outcome.

        body_bytes: Bytes of the bodies that ended `ok`.

        lines: Their lines in the report; empty if there is none.

        failed: Those of them that are not `ok`, by host.

        left: What is under way, as the difference to what was said before.

        connections: How many there are; likewise.
    """

    positions: tuple[int, ...]
    counts: dict[str, int]
    body_bytes: int
    lines: str
    failed: dict[str, int] = {}  # noqa: RUF012 - never changed
    left: tuple[int, ...] = ()
    connections: int = 0


class Batch:
    """
    Collector of downloads, passed on when there are many, and ten times a second.

    A thread does the latter until `with` ends: a download may take long, and nobody
    should have to wait for it to learn of those before it.

    Args:
        take: Receives them, from one thread at a time.

        pause: Called by the thread in between, for a tenth of a second or so; its
            argument is set when there is no need to go on.

        stop: Called when one of these fails in the thread, because the error is not
            raised before the end of `with`.

        line_of: Called for a row's line; the report's unless there is none.

    Attributes:
        left: Called to learn what is under way.

        connections: Called to learn how many there are.

        collect: Called by the thread before it passes any on; it may add some.

        failed: What was raised in the thread; None: nothing was.
    """

    def __init__(
        self,
        take: Callable[[Ended], None],
        pause: Callable[[Event], object],
        stop: Callable[[], None],
        line_of: LineOf = line_of,
    ) -> None:
        self._take = take
        self._line_of = line_of
        self._pause = pause
        self._stop = stop
        self.left: Callable[[], UnderWay] = UnderWay
        self.collect: Callable[[], None] = _nothing
        self._left = UnderWay()
        self.connections: Callable[[], int] = int
        self._connections = 0
        self._rows: list[tuple[int, str, int, str, str]] = []
        self._flushing = Lock()
        self._over = Event()
        self._thread = Thread(target=self._keep_flushing, daemon=True)
        self.failed: Exception | None = None

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        if self.failed:
            raise self.failed
        self._flush()

    def add(self, _: int, item: Item, download: Download) -> None:
        """Add one URL that ended."""
        outcome = download.outcome
        size, host = download.body_bytes, ""
        if outcome is not _OK:
            is_fault = (
                not item.refusal and outcome is not Outcome.UNSTARTED
            )  # its host's
            size, host = 0, plain_host(item.url) if is_fault else ""
            host = host.removesuffix(HTTPS_PORT)  # a person reads it
        line = self._line_of(item, download)
        # Needs no lock: the other thread removes rows from the front, in one step.
        self._rows.append((item.number, outcome, size, line, host))
        if len(self._rows) >= _BATCH_SIZE:
            self._flush()

    def _keep_flushing(self) -> None:
        while not self._over.is_set():
            try:
                self._pause(self._over)
                self.collect()
                self._flush()
            except Exception as error:  # noqa: BLE001 - raised again where it is seen
                self.failed = error
                self._stop()
                return

    def _flush(self) -> None:
        with self._flushing:
            count, left = len(self._rows), self.left()
            connections = self.connections()
            more = connections - self._connections
            if not (count or more) and left == self._left:
                return
            news, self._left = left.since(self._left), left
            self._connections = connections
            rows = self._rows[:count]
            del self._rows[:count]
            positions, outcomes, sizes, lines, hosts = (
                zip(*rows, strict=True) if rows else ((),) * 5
            )
            counts = {str(name): n for name, n in Counter(outcomes).items()}
            failed = Counter(host for host in hosts if host)
            text = "".join(lines)
            size, by_host = sum(sizes), dict(failed)
            self._take(Ended(positions, counts, size, text, by_host, tuple(news), more))


def _nothing() -> None: ...
