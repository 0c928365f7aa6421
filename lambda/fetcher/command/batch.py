"""Downloads that ended, gathered until it is worth passing them on."""

from __future__ import annotations

from collections import Counter
from threading import Event, Lock, Thread
from typing import TYPE_CHECKING, NamedTuple, Self

from fetcher.command.report import line_of
from fetcher.contract.outcome import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable

    from fetcher.contract.downloads import Download
    from fetcher.contract.source import Item

_MANY = 256
_OK = Outcome.OK


class Ended(NamedTuple):
    """
    What became of some URLs, ready to be reported.

    Attributes:
        positions: Which they are, in the list.

        counts: How many ended how.

        body_bytes: Bytes of the bodies that ended `ok`.

        lines: Of the report.
    """

    positions: tuple[int, ...]
    counts: dict[str, int]
    body_bytes: int
    lines: str


class Batch:
    """
    Takes in each download; passes them on when they are many, and ten times a second.

    A thread sees to the latter, between `with` and its end: a download may take long,
    and nobody should have to wait for it to learn of those before.

    Args:
        take: What they are passed on to, by one thread at a time.

        pause: What the thread does in between, for a tenth of a second or so; it is
            given what will be set when there is no need to go on.

        stop: Called when one of these fails in the thread, because what has failed is
            not raised before the end of `with`.
    """

    def __init__(
        self,
        take: Callable[[Ended], None],
        pause: Callable[[Event], object],
        stop: Callable[[], None],
    ) -> None:
        self._take = take
        self._pause = pause
        self._stop = stop
        self._rows: list[tuple[int, str, int, str]] = []
        self._flushing = Lock()
        self._over = Event()
        self._thread = Thread(target=self._keep_flushing, daemon=True)
        self._failed: Exception | None = None

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        if self._failed:
            raise self._failed
        self._flush()

    def add(self, _: int, item: Item, download: Download) -> None:
        """Take in what became of one URL."""
        outcome = download.outcome
        size = download.body_bytes if outcome is _OK else 0
        # Needs no lock: the other thread removes rows from the front, in one step.
        self._rows.append((item.number, outcome, size, line_of(item, download)))
        if len(self._rows) >= _MANY:
            self._flush()

    def _keep_flushing(self) -> None:
        while not self._over.is_set():
            try:
                self._pause(self._over)
                self._flush()
            except Exception as error:  # noqa: BLE001 - raised again where it is seen
                self._failed = error
                self._stop()
                return

    def _flush(self) -> None:
        with self._flushing:
            many = len(self._rows)
            if not many:
                return
            positions, outcomes, sizes, lines = zip(*self._rows[:many], strict=True)
            del self._rows[:many]
            counts = {str(name): n for name, n in Counter(outcomes).items()}
            self._take(Ended(positions, counts, sum(sizes), "".join(lines)))
