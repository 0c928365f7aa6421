"""Watch over downloads in flight: who is silent, and whose time is up."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from fetcher.contract.outcome import Outcome
from fetcher.transfer.attempt import Stage
from fetcher.transfer.engine import JUDGE_EVERY_S
from fetcher.transfer.flow.adaptive_timeout import AdaptiveTimeout
from fetcher.transfer.flow.download_slots import is_word
from fetcher.transfer.flow.retry_queue import was_silent
from fetcher.transfer.flow.stall import StallWatch

if TYPE_CHECKING:
    from collections.abc import Callable

    from fetcher.contract.download_results import Download
    from fetcher.contract.options import Options
    from fetcher.transfer.attempt import Attempt
    from fetcher.transfer.flow.download_slots import DownloadSlots

Ending = tuple[Outcome, str]

# A body that was not promised in full may be without end: a radio, a camera.
_MOST_GROWTH = 4  # times the time for one URL
_LAST_TRY_S = 3.0  # for a host that was silent twice, or not there at all
# A look-up takes no connection: it gives its slot back sooner than other silences.
_LOOK_UP_S = 0.1
_QUEUED, _LOOKING_UP, _CONNECTING, _ASKED = Stage
_OK = Outcome.OK


class Watch:
    """Judge of all downloads in flight, ten times a second; it updates `slots`."""

    def __init__(self, options: Options, slots: DownloadSlots) -> None:
        self._options = options
        self._slots = slots
        self._adaptive_timeout = AdaptiveTimeout(options.read_timeout_s)
        self._only_silent = False
        self._looked_at = 0.0
        self._word_at = 0.0  # the latest of anybody

    def is_quiet(self, now: float) -> bool:
        """Tell whether nothing has come for so long that most of it stays out."""
        return now - self._word_at >= self._adaptive_timeout.short_s()

    def begin(self, attempt: Attempt, now: float) -> None:
        """Start to watch a try; after a silence it gets no slot until it gets on."""
        attempt.at_peak = self._slots.begin()
        attempt.begun_at = attempt.heard_at = now
        attempt.ends_at = now + attempt.left_s
        if attempt.tries > 1:
            attempt.heard = _QUEUED, 0
            attempt.stage, attempt.received, attempt.stall = _QUEUED, 0, None
        if attempt.is_last or (attempt.failure and was_silent(attempt.failure)):
            self._set_silent(attempt, is_silent=True)

    def end(self, attempt: Attempt, download: Download, now: float) -> None:
        """Stop watching it."""
        self._slots.open -= 1
        # Retries are of those that failed: what fails by itself would count many times.
        if attempt.begun_at >= self._slots.learns_from and attempt.tries == 1:
            self._slots.learn(
                download,
                attempt.begun_at,
                now,
                has_answered=attempt.host.has_answered,
                at_peak=attempt.at_peak,
            )
        if download.outcome is _OK or not was_silent(download):
            self._word_at = now
        if attempt.is_silent:
            self._set_silent(attempt, is_silent=False)
            if attempt.silent_s and not was_silent(download):
                self._adaptive_timeout.spoke(attempt.silent_s)
            attempt.silent_s = 0

    def left_s(self, attempt: Attempt, now: float) -> float:
        """Return what is left of an attempt's time for another try."""
        return min(self._ends_at(attempt) - now, self._options.total_timeout_s)

    def judge(
        self, attempt: Attempt, now: float, has_only_silent: Callable[[float], bool]
    ) -> Ending | None:
        """
        Return how an attempt in flight must end because it takes too long, if it must.

        `has_only_silent` tells whether nothing can be done but wait for the silent.
        """
        self._listen(attempt, now)
        if now >= attempt.ends_at and now >= (ends_at := self._ends_at(attempt)):
            most_s, more_s = self._options.total_timeout_s, ends_at - attempt.ends_at
            most_s += more_s if more_s > most_s / 2 else 0
            return Outcome.TOTAL_TIMEOUT, f"not done within {most_s:.3g} s"
        most_s = _LAST_TRY_S if attempt.is_last else math.inf
        if self._slots.are_all_silent and self._is_end(has_only_silent, now):
            most_s = min(most_s, self._adaptive_timeout.seconds())
        return self._silence(attempt, now, most_s)

    def _is_end(self, has_only_silent: Callable[[float], bool], now: float) -> bool:
        """Tell whether only the silent are left; looked at once for all of them."""
        if now >= self._looked_at + JUDGE_EVERY_S:
            self._looked_at = now
            self._only_silent = has_only_silent(now)
        return self._only_silent

    def _listen(self, attempt: Attempt, now: float) -> None:
        """Note whether anything has come; the silent give their slots back."""
        stage, received = attempt.heard
        silence_s = now - attempt.heard_at
        if attempt.stage is not stage or is_word(received, attempt.received):
            attempt.heard_at = self._word_at = now
            attempt.heard = attempt.stage, attempt.received
            if attempt.stage is not stage:
                attempt.stall = None
            if attempt.silent_s:
                self._adaptive_timeout.spoke(attempt.silent_s)
                attempt.silent_s = 0
            if attempt.stage is not _LOOKING_UP:
                self._set_silent(attempt, is_silent=False)
        elif silence_s >= attempt.silent_s + 1:
            attempt.silent_s += 1
            self._adaptive_timeout.lasted(attempt.silent_s)
            self._set_silent(attempt, is_silent=True)
        elif silence_s >= _LOOK_UP_S and attempt.stage <= _LOOKING_UP:
            self._set_silent(attempt, is_silent=True)

    def _set_silent(self, attempt: Attempt, *, is_silent: bool) -> None:
        if attempt.is_silent is not is_silent:
            attempt.is_silent = is_silent
            self._slots.silent += 1 if is_silent else -1

    def _ends_at(self, attempt: Attempt) -> float:
        """Return when its time is up: later with every byte that comes."""
        options = self._options
        if not options.min_bytes_per_s:
            return attempt.ends_at
        growth_s = attempt.received / options.min_bytes_per_s
        if not attempt.body.is_promised:
            growth_s = min(growth_s, _MOST_GROWTH * options.total_timeout_s)
        return attempt.ends_at + growth_s

    def _silence(
        self, attempt: Attempt, now: float, silence_limit_s: float
    ) -> Ending | None:
        """Return how an attempt must end because nothing comes, if it must."""
        silence_s = now - attempt.heard_at
        if attempt.stage is _QUEUED:
            return None
        if attempt.stage is not _ASKED:
            most_s = min(self._options.connect_timeout_s, silence_limit_s)
            return None if silence_s < most_s else _unconnected(attempt.stage, most_s)
        if attempt.stall is None:
            attempt.stall = StallWatch(self._options, now)
        stalled = attempt.stall.stalled(attempt.received, now)
        if silence_s >= silence_limit_s and not stalled:
            why = "its host was unresponsive before, too"
            if not attempt.is_last:
                why = "downloads silent this long almost never recover"
            stalled = f"no data for {silence_limit_s:g} s; {why}"
        return (Outcome.READ_TIMEOUT, stalled) if stalled else None


def _unconnected(stage: Stage, seconds: float) -> Ending:
    if stage is _LOOKING_UP:
        return Outcome.DNS, f"no name server answered within {seconds:g} s"
    return Outcome.CONNECT_TIMEOUT, f"no connection within {seconds:g} s"
