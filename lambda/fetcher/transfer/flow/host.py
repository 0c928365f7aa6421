"""One host: downloads in flight there, how fast it is asked, whether it is there."""

from __future__ import annotations

import math
from http import HTTPStatus
from typing import TYPE_CHECKING

from fetcher.contract.download_results import Download
from fetcher.contract.outcome import GONE, Outcome
from fetcher.transfer.flow.host_backoff import FEW, MOST_SPARED, HostBackoff

if TYPE_CHECKING:
    from fetcher.transfer.flow.download_slots import DownloadSlots

_TOO_MANY = HTTPStatus.TOO_MANY_REQUESTS.value
_RECENT = 1 / 16  # weight of the latest answer in the share of unclear refusals
# How many failures in a row, without any answer, show that a host is dead.
_FAILURES_OF_DEAD = {
    Outcome.DNS: 1,
    Outcome.CONNECT: 1,
    Outcome.CONNECT_TIMEOUT: 2,
    Outcome.READ_TIMEOUT: 2,
    Outcome.TOTAL_TIMEOUT: 2,
    # A server may close idle connections at any moment, and all at once.
    Outcome.CUT: 10,
    Outcome.TLS: 10,
}
# A dead host is asked again when all else is done: in rounds, with longer and longer
# rests: an outage of a quarter of a minute costs a host no more than a few URLs.
PROBES = 16
_SILENCES = (Outcome.CONNECT_TIMEOUT, Outcome.READ_TIMEOUT)
_FIRST_REST_S = 0.5
_MOST_ROUNDS = 5


class Host:
    """
    One host and port: downloads in flight there, and when it can take more.

    Args:
        name: As `fetcher.security.guard.host_of` has it.

        limit: Downloads in flight at once; 0: as many as `slots` has connections.

        interval_s: Seconds between two requests.

        slots: Those of all hosts.

    Attributes:
        name: As above.

        listing: Number of its latest entry in the lists of `Hosts`; 0: in none.

        failure: How the latest failed download ended.

        is_dead: Whether it is only asked when all else is done.

        is_given_up: Whether nothing more is tried.
    """

    __slots__ = (
        "_accepted",
        "_backoff",
        "_failures",
        "_in_flight",
        "_interval_s",
        "_limit",
        "_next_at",
        "_probes",
        "_rests_until",
        "_rounds",
        "_since",
        "_slots",
        "_unclear_share",
        "failure",
        "is_dead",
        "is_given_up",
        "listing",
        "name",
    )

    def __init__(
        self, name: str, limit: int, interval_s: float, slots: DownloadSlots
    ) -> None:
        self.name = name
        self._slots = slots
        self._limit = limit
        self._interval_s = interval_s
        self._in_flight = 0
        self._next_at = 0.0
        self._since = 0.0
        self._accepted = 0
        self._unclear_share = 0.0
        self._failures = 0
        self._backoff: HostBackoff | None = None
        self._probes = self._rounds = 0
        self._rests_until = 0.0
        self.is_dead = self.is_given_up = False
        self.listing = 0
        self.failure: Download | None = None

    def is_idle(self, now: float) -> bool:
        """
        Tell whether it can be forgotten, if nothing waits for it.

        Then it would be asked like one not heard of before. URLs of it may still be
        about to be tried again: see `Hosts.back`.
        """
        busy = self._in_flight or self._failures or self._backoff
        return not busy and self._next_at <= now

    def tell_gone(self) -> None:
        """Take it for dead, as others found it: one round of probes decides."""
        self.is_dead = True
        self._probes, self._rounds = PROBES, _MOST_ROUNDS - 1

    @property
    def silences(self) -> int:
        """How often it was silent and never answered; `GONE`: it is dead."""
        if not self._failures or self.failure is None:
            return 0
        if self.is_dead:
            return GONE
        return int(not self._accepted and self.failure.outcome in _SILENCES)

    @property
    def has_answered(self) -> bool:
        """Whether anything has come from it but refusals."""
        return self._accepted > 0

    @property
    def refusals(self) -> int:
        """How often in a row it has asked us to slow down."""
        return self._backoff.refusals if self._backoff else 0

    def free_at(self) -> float:
        """Return when it can take one more; infinity: when a download has ended."""
        if self._in_flight >= (self._limit or self._slots.connections):
            return math.inf
        if self.is_dead:
            free = self._probes and not self.is_given_up
            return self._rests_until if free else math.inf
        if self._backoff is None:
            return self._next_at
        if self._in_flight >= self._backoff.limit:
            return math.inf
        return max(self._next_at, self._backoff.free_at())

    def start(self, now: float) -> None:
        """Count a download that starts."""
        self._in_flight += 1
        if self._interval_s:
            self._next_at = max(self._next_at, now) + self._interval_s
        if self.is_dead:
            self._probes -= 1
        if self._backoff:
            self._backoff.start(now)

    def is_asked_too_much(self, download: Download) -> bool:
        """
        Tell whether a refusal is about how often the host is asked, not about one URL.

        A 503 that names no time says so only from a host that has sent nothing else, or
        hardly anything else lately.
        """
        if is_clear(download):
            return True
        self._unclear_share += _RECENT * (1 - self._unclear_share)
        return not self.has_answered or self._unclear_share > FEW

    def refused(
        self,
        download: Download,
        begun_at: float,
        wait_s: float,
        most_s: float,
        now: float,
    ) -> None:
        """
        Count a download that was refused because the host is asked too much.

        It must not be asked for `wait_s`, twice `most_s` at most: that is the most to
        wait in all while nothing is accepted.
        """
        self._revive()
        if self._backoff is None:
            self._backoff = HostBackoff(self._since or now, self._accepted)
        wait_s = min(wait_s, 2 * most_s)
        self._backoff.refuse(
            begun_at, wait_s, self._in_flight, now, is_clear=is_clear(download)
        )
        self._in_flight -= 1
        # One of those in flight may still be answered.
        if not self._in_flight and self._backoff.is_hopeless(
            most_s, has_answered=self.has_answered
        ):
            self.is_given_up = self.is_dead = True
            self.failure = download

    def ended(self, download: Download, now: float, is_answered: bool = False) -> None:
        """Count a download that ended, and judge whether the host is there at all."""
        self._in_flight -= 1
        if is_answered or download.status or download.outcome not in _FAILURES_OF_DEAD:
            if not self._accepted:
                self._since = now
            self._accepted += 1
            if self._failures or self.is_dead:
                self._revive()
            if download.status not in MOST_SPARED:
                if self._unclear_share:
                    self._unclear_share *= 1 - _RECENT
                if self._backoff:
                    self._backoff.accept(now)
            return
        most = _FAILURES_OF_DEAD[download.outcome]
        self.failure = download
        self._failures += 1
        if not self.is_dead:
            if self._failures >= most:
                self.is_dead, self._probes = True, PROBES
                self._rests_until = now + _FIRST_REST_S
        elif not (self._probes or self._in_flight):
            self._rounds += 1
            self._probes = PROBES
            self._rests_until = now + _FIRST_REST_S * 2**self._rounds
            self.is_given_up = self._rounds >= _MOST_ROUNDS

    def not_tried(self) -> Download:
        """Return how URLs end that are not tried since it is given up."""
        assert self.failure is not None, "that is why"
        why = "the host has failed too often, most recently"
        detail = f"not tried: {why}: {self.failure.detail}"
        return Download(self.failure.outcome, self.failure.status, detail=detail)

    def _revive(self) -> None:
        self._failures = self._rounds = 0
        self.is_dead = self.is_given_up = False


def is_clear(download: Download) -> bool:
    """Tell whether a refusal is certainly about how often its host is asked."""
    return download.status == _TOO_MANY or download.retry_after_s > 0
