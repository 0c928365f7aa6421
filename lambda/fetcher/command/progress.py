"""Progress of a download on stderr: one line that changes, or one now and then."""

from __future__ import annotations

import sys
from time import monotonic

_LIVE_S = 0.2
_LOGGED_S = 5.0


class Progress:
    """
    Progress display: in place on a terminal, line by line in a log.

    Args:
        count: How many files there are.

        kept: How many of them an earlier run has left.
    """

    def __init__(self, count: int, kept: int) -> None:
        self._count = count
        self._kept = kept
        self._began = self._shown = monotonic()
        self._live = sys.stderr.isatty()
        self._every_s = _LIVE_S if self._live else _LOGGED_S

    @property
    def seconds(self) -> float:
        """Seconds since the start."""
        return monotonic() - self._began

    def tick(self, done: int, ok: int, body_bytes: int) -> None:
        """Show the figures if they are due."""
        if monotonic() - self._shown > self._every_s:
            self.show(done, ok, body_bytes)

    def finish(self, done: int, ok: int, body_bytes: int) -> None:
        """Show the last figures."""
        self.show(done, ok, body_bytes)
        if self._live:
            print(file=sys.stderr)

    def show(self, done: int, ok: int, body_bytes: int) -> None:
        """Show the figures."""
        self._shown = monotonic()
        seconds = self._shown - self._began
        fetched = done - self._kept
        left_s = seconds / fetched * (self._count - done) if fetched else 0
        line = (
            f"{done:,} of {self._count:,} files, {ok:,} ok, {done - ok:,} not; "
            f"{fetched / seconds:,.0f} files/s, "
            f"{body_bytes / seconds / 1e6:,.1f} MB/s; {left_s:,.0f} s left"
        )
        start, end = ("\r\x1b[K", "") if self._live else ("", "\n")
        print(f"{start}{line}", end=end, file=sys.stderr, flush=True)
