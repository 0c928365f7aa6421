"""Progress of a download on stderr: one line that changes, or one now and then."""

from __future__ import annotations

import math
import os
import sys
from collections import deque
from time import monotonic
from typing import TYPE_CHECKING

from fetcher.transfer.flow.download_slots import UnderWay

if TYPE_CHECKING:
    from collections import Counter

_LIVE_S = 0.2
_LOGGED_S = 5.0
_RECENT_S = 10.0  # the rate of which tells how long the rest will take
_WORST = 10  # hosts
_FEW = 0.25  # at work for each that is not: then these decide when all is done
_OK = "ok"
_CLEARED = "\r\x1b[K"  # line of a terminal
_NOTHING = UnderWay()


def tell(text: str, end: str = "\n") -> None:
    """Print on stderr; whoever reads it may go away, and the run goes on."""
    try:
        print(text, end=end, file=sys.stderr, flush=True)
    except OSError:
        # Python would write what is left at its exit, fail again, and exit with 120.
        sys.stderr = open(os.devnull, "w")  # noqa: SIM115, PTH123


class Progress:
    """
    Progress display: in place on a terminal, line by line in a log.

    Args:
        count: How many files there are.

        kept: How many of them an earlier run has left.

        longest_silence_s: For how long a silent URL may hold up the end.

    Attributes:
        count: How many files there are, as far as is known.

        is_growing: Whether a program may add to the list: nobody knows how many.
    """

    def __init__(
        self, count: int, kept: int, longest_silence_s: float = math.inf
    ) -> None:
        self.count = count
        self.is_growing = False
        self._kept = kept
        self._longest_silence_s = longest_silence_s
        self._began = self._shown = monotonic() - 1e-9
        self._recent = deque([(self._began, kept)])  # when, files done
        self._silent_since = math.inf
        self._live = sys.stderr.isatty()
        self._every_s = _LIVE_S if self._live else _LOGGED_S

    @property
    def seconds(self) -> float:
        """Seconds since the start."""
        return monotonic() - self._began

    def tick(
        self, done: int, ok: int, body_bytes: int, left: UnderWay = _NOTHING
    ) -> None:
        """Show the figures if they are due."""
        if monotonic() - self._shown > self._every_s:
            self.show(done, ok, body_bytes, left)

    def finish(self, done: int, ok: int, body_bytes: int) -> None:
        """Show the last figures."""
        self.show(done, ok, body_bytes)
        if self._live:
            tell("")

    def show(
        self, done: int, ok: int, body_bytes: int, left: UnderWay = _NOTHING
    ) -> None:
        """Show the figures."""
        self._shown = monotonic()
        seconds = self._shown - self._began
        fetched = done - self._kept
        line = (
            f"{done:,} of {self.count:,} files{' so far' if self.is_growing else ''}, "
            f"{ok:,} ok, {done - ok:,} not; "
            f"{fetched / seconds:,.0f} files/s, "
            f"{body_bytes / seconds / 1e6:,.1f} MB/s; {self._rest(done, left)}"
        )
        start, end = (_CLEARED, "") if self._live else ("", "\n")
        tell(f"{start}{line}", end)

    def say(self, line: str) -> None:
        """Show a line that stays."""
        tell(f"{_CLEARED if self._live else ''}{line}")

    def sum_up(self, counts: Counter[str], failed: Counter[str]) -> None:
        """Show how URLs ended, and at which hosts most went wrong, if any did."""
        if counts.keys() <= {_OK}:
            return
        order = sorted(counts, key=lambda name: (name != _OK, -counts[name]))
        outcomes = ", ".join(f"{name} {counts[name]:,}" for name in order)
        tell(outcomes)
        if hosts := failed.most_common(_WORST):
            worst = ", ".join(f"{host} {many:,}" for host, many in hosts)
            of = f"the worst {len(hosts)} of {len(failed):,} hosts"
            tell(f"not ok, {of}: {worst}")

    def _rest(self, done: int, left: UnderWay) -> str:
        """Say how long the rest will take, and what it waits for."""
        now, come = self._shown, done + left.settling
        rest = self.count - come
        if self.is_growing:
            return "the list goes on"
        self._recent.append((now, come))
        while now - self._recent[0][0] > _RECENT_S and len(self._recent) > 2:  # noqa: PLR2004
            self._recent.popleft()
        few = _FEW * (left.silent + left.waiting)
        if rest > sum(left) - left.settling or left.working >= few:
            self._silent_since = math.inf
            since, before = self._recent[0]
            rate = (come - before) / max(now - since, 1e-9)
            quick = max(0, rest - left.silent)
            told = f"{quick / rate:,.0f} s left" if rate else f"{quick:,} left"
            told += f", {left.silent:,} unresponsive" if left.silent else ""
            return told + (f", {left.settling:,} to be stored" if left.settling else "")
        self._silent_since = min(self._silent_since, now)
        waiting = "waiting for hosts that are limited or gone"
        kinds = ("active", "unresponsive", waiting, "to be stored")
        said = zip(left, kinds, strict=True)
        told = ", ".join(f"{n:,} {word}" for n, word in said if n)
        if left.waiting:
            return told
        most_s = self._silent_since + self._longest_silence_s - now
        return f"{told}, done in about {max(most_s, 0):,.0f} s"
