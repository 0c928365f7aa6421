"""The default engine: libcurl's multi interface, one loop in one thread."""

from __future__ import annotations

import math
import time
from time import monotonic
from typing import TYPE_CHECKING

import pycurl

from fetcher.contract.outcome import Outcome
from fetcher.engines.curl_first_connections import FirstConnections
from fetcher.engines.curl_transfer import Transfer
from fetcher.engines.resolver import Resolver
from fetcher.security import guard
from fetcher.transfer import redirects
from fetcher.transfer.attempt import Stage
from fetcher.transfer.engine import JUDGE_EVERY_S

if TYPE_CHECKING:
    from fetcher.contract.download_results import Download
    from fetcher.contract.options import Options
    from fetcher.transfer.engine import Work

_POLL_NAMES_EVERY_S = 0.005  # while they are looked up
# libcurl looks at every transfer in each round, which takes 1 µs each at least. With
# many, most of them silent, rounds wait until one in so many has something.
_MANY = 64
_ONE_IN = 8
_MOST_GATHER_S = 0.01
# pycurl waits by select(), which knows descriptors below 1,024 only: with more, rounds
# do not wait for long.
_SELECTABLE = 900
_QUEUED, _LOOKING_UP = Stage.QUEUED, Stage.LOOKING_UP


class Engine:
    """
    Downloads with libcurl.

    Args:
        options: Connections, timeouts and limits.

        user_agent: Sent with every request.
    """

    name = f"curl {pycurl.version_info()[1]}"

    def __init__(self, options: Options, user_agent: str) -> None:
        self._options = options
        self._user_agent = user_agent
        self._stopped = False

    def run(self, work: Work, deadline_s: float) -> None:
        """Make attempts until there are no more, or for this many seconds."""
        deadline = monotonic() + deadline_s
        loop = _Loop(self._options, self._user_agent, work)
        try:
            while not self._stopped and loop.step(deadline):
                pass
        finally:
            loop.close()

    def stop(self) -> None:
        """Bring the deadline to now. Safe to call from a signal handler."""
        self._stopped = True


class _Loop:
    """
    One run of the engine.

    A transfer is free, or busy with an attempt. While busy it waits for its host's
    addresses, or is attached to libcurl.
    """

    def __init__(self, options: Options, user_agent: str, work: Work) -> None:
        self._options = options
        self._user_agent = user_agent
        self._work = work
        self._resolver = Resolver()
        self._multi = multi = pycurl.CurlMulti()
        multi.setopt(pycurl.M_MAXCONNECTS, work.most_open)
        multi.setopt(pycurl.M_MAX_TOTAL_CONNECTIONS, work.most_open)
        multi.setopt(pycurl.M_MAX_CONCURRENT_STREAMS, work.most_open)
        self._free: list[Transfer] = []
        self._transfers: dict[pycurl.Curl, Transfer] = {}
        self._busy: set[Transfer] = set()
        self._first = FirstConnections(monotonic())
        self._waiting: list[Transfer] = []  # for a name, or for a first connection
        self._with_data: list[Transfer] = []  # in the latest round
        self._stepped_at = self._fill_at = self._check_at = 0.0

    def step(self, deadline: float) -> bool:
        """Do what can be done, wait for more, and tell whether there is any."""
        now = monotonic()
        if now >= deadline:
            return False
        if now >= self._fill_at:
            self._fill(now)
        if self._waiting:
            self._connect_known()
        if not self._busy and self._fill_at == math.inf:
            return False
        self._multi.perform()
        with_data = len(self._with_data)
        has_ended = self._harvest()
        self._process_held()
        if now >= self._check_at:
            self._check_at = now + JUDGE_EVERY_S
            # By the time before libcurl looked at its sockets: what came while this
            # process stood still, as a frozen execution does, is no silence.
            self._judge(now)
            self._first.forget_if_due(now)
        if self._fill_at and not has_ended:
            self._wait(min(deadline, self._fill_at) - now)
        if len(self._busy) > _MANY:
            self._gather(with_data, now)
        self._stepped_at = now
        return True

    def close(self) -> None:
        """Break off what is in flight and discard what came of it."""
        for transfer in self._busy:
            self._detach(transfer)
            transfer.attempt.body.discard()
        for transfer in self._transfers.values():
            transfer.close()
        self._transfers.clear()
        self._multi.close()
        self._resolver.close()

    def _fill(self, now: float) -> None:
        """Start as many attempts as there are."""
        self._fill_at = 0.0
        next_ = self._work.next
        while True:
            step = next_()
            if step is None or isinstance(step, float):
                self._fill_at = math.inf if step is None else now + step
                return
            transfer = self._free.pop() if self._free else self._new_transfer()
            self._busy.add(transfer)
            transfer.begin(step)
            self._go(transfer)

    def _new_transfer(self) -> Transfer:
        transfer = Transfer(self._options, self._user_agent, self._with_data.append)
        self._transfers[transfer.handle] = transfer
        return transfer

    def _go(self, transfer: Transfer) -> None:
        """Start a transfer, unless its host must be looked up first."""
        try:
            transfer.aim()
        except guard.BadUrlError as error:
            self._fail(transfer, Outcome.BAD_URL, str(error))
        except guard.BlockedError as error:
            self._fail(transfer, Outcome.BLOCKED, str(error.strerror))
        else:
            if self._first.is_known(transfer.peer.host):
                self._attach(transfer)
            else:
                self._connect(transfer)

    def _connect_known(self) -> None:
        waiting, self._waiting = self._waiting, []
        for transfer in waiting:
            if self._resolver.is_pending(transfer.peer.hostname):
                asked = self._resolver.is_asked(transfer.peer.hostname)
                transfer.attempt.stage = _LOOKING_UP if asked else _QUEUED
                self._waiting.append(transfer)
            else:
                self._connect(transfer)

    def _connect(self, transfer: Transfer) -> None:
        """Hand a transfer to libcurl once its host's addresses are known."""
        peer = transfer.peer
        try:
            may_connect = self._first.may_connect(transfer)
            stage = peer.resolved(self._resolver) if may_connect else Stage.CONNECTING
        except UnicodeError:
            detail = "the URL's host cannot be a name in DNS"
            self._fail(transfer, Outcome.BAD_URL, detail)
        except OSError as error:
            detail = f"no address for {peer.hostname}: {error.strerror}"
            self._fail(transfer, Outcome.DNS, detail)
        else:
            if may_connect and stage is Stage.CONNECTING:
                self._first.connect(transfer)
                self._attach(transfer)
            else:
                transfer.attempt.stage = stage
                self._waiting.append(transfer)

    def _attach(self, transfer: Transfer) -> None:
        self._multi.add_handle(transfer.handle)
        transfer.is_attached = True

    def _harvest(self) -> bool:
        """Handle transfers that have ended; tell whether there were any."""
        _, done, failed = self._multi.info_read()
        for handle in done:
            self._ended(self._transfers[handle], pycurl.E_OK, "")
        for handle, code, message in failed:
            self._ended(self._transfers[handle], code, message)
        return bool(done or failed)

    def _process_held(self) -> None:
        for transfer in self._with_data:
            if transfer.is_attached and (code := transfer.process_held()) is not None:
                self._ended(transfer, code, "")
        self._with_data.clear()

    def _ended(self, transfer: Transfer, code: int, message: str) -> None:
        self._multi.remove_handle(transfer.handle)
        transfer.is_attached = False
        if not code:
            self._first.connected(transfer)
        if download := transfer.ended(code, message):
            self._release(transfer, download)
        elif transfer.redirects > redirects.MAX_REDIRECTS:
            detail = f"redirected more than {redirects.MAX_REDIRECTS} times"
            self._fail(transfer, Outcome.TOO_MANY_REDIRECTS, detail)
        else:
            self._go(transfer)

    def _judge(self, now: float) -> None:
        """End what takes too long; whoever is silent makes room for another."""
        judge = self._work.judge
        for transfer in tuple(self._busy):
            attempt = transfer.attempt
            if transfer.is_attached:
                transfer.observe()
            if overdue := judge(attempt, now):
                self._detach(transfer)
                self._release(transfer, transfer.overdue(*overdue))

    def _fail(self, transfer: Transfer, outcome: Outcome, detail: str) -> None:
        self._release(transfer, transfer.attempt.body.fail(outcome, detail))

    def _release(self, transfer: Transfer, download: Download) -> None:
        """Report how the attempt ended; the transfer is free for another."""
        self._busy.discard(transfer)
        self._free.append(transfer)
        self._first.released(transfer)
        self._fill_at = 0.0
        self._work.ended(transfer.attempt, download)

    def _detach(self, transfer: Transfer) -> None:
        if transfer.is_attached:
            self._multi.remove_handle(transfer.handle)
            transfer.is_attached = False
        elif transfer in self._waiting:
            self._waiting.remove(transfer)

    def _wait(self, longest_s: float) -> None:
        """Sleep until there is something to do, for a socket, libcurl or us."""
        wait_s = min(longest_s, JUDGE_EVERY_S)
        if self._waiting or len(self._busy) > _SELECTABLE:
            wait_s = min(wait_s, _POLL_NAMES_EVERY_S)
        curl_ms = self._multi.timeout()
        if curl_ms >= 0:
            wait_s = min(wait_s, curl_ms / 1_000)
        if wait_s <= 0:
            return
        started_at = monotonic()
        if self._multi.select(wait_s) <= 0:
            # It returns at once when there is no socket, as nothing is in flight.
            left_s = wait_s - (monotonic() - started_at)
            time.sleep(max(0.0, min(left_s, _POLL_NAMES_EVERY_S)))

    def _gather(self, with_data: int, now: float) -> None:
        """Sleep until enough will have data, if they come as in the latest round."""
        enough = len(self._busy) / (_ONE_IN * max(with_data, 1))
        round_s = min((now - self._stepped_at) * enough, _MOST_GATHER_S)
        time.sleep(max(0.0, round_s - (monotonic() - now)))
