"""The default engine: libcurl's multi interface, one loop in one thread."""

from __future__ import annotations

import math
import time
from time import monotonic
from typing import TYPE_CHECKING

import pycurl

from fetcher.contract.outcome import Outcome
from fetcher.engines.curl_transfer import Transfer
from fetcher.engines.resolver import Resolver
from fetcher.security import guard
from fetcher.transfer import redirects

if TYPE_CHECKING:
    from fetcher.contract.options import Options
    from fetcher.transfer.ending import Ending
    from fetcher.transfer.engine import Work

_LOOK_EVERY_S = 0.1  # at timeouts and stalls
_LOOK_UP_EVERY_S = 0.005  # at names being looked up
_KNOWN_S = 240.0  # less than libcurl keeps addresses


class Engine:
    """
    Downloads with libcurl.

    Args:
        options: How many connections, how long to wait, what to say we are.

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

    A transfer is free, or busy with an attempt; while busy it waits for its host to be
    known, or is in libcurl's hands.
    """

    def __init__(self, options: Options, user_agent: str, work: Work) -> None:
        self._options = options
        self._user_agent = user_agent
        self._work = work
        self._resolver = Resolver()
        self._multi = multi = pycurl.CurlMulti()
        connections = options.connections
        multi.setopt(pycurl.M_MAXCONNECTS, connections)
        multi.setopt(pycurl.M_MAX_TOTAL_CONNECTIONS, connections)
        multi.setopt(pycurl.M_MAX_CONCURRENT_STREAMS, connections)
        self._free: list[Transfer] = []
        self._transfers: dict[pycurl.Curl, Transfer] = {}
        self._busy: set[Transfer] = set()
        self._known_hosts: set[str] = set()  # to libcurl, for a while
        self._forget_at = monotonic() + _KNOWN_S
        self._waiting: list[Transfer] = []  # for a name, or for a first connection
        self._leaders: dict[str, Transfer] = {}  # making first connections
        self._came: list[Transfer] = []  # parts of bodies, in the latest round
        self._ask_at = 0.0  # for work
        self._look_at = 0.0

    def step(self, deadline: float) -> bool:
        """Do what can be done, then wait for more; tell whether there is any."""
        now = monotonic()
        if now >= deadline:
            return False
        if now >= self._ask_at:
            self._fill(now)
        if self._waiting:
            self._connect_known()
        if not self._busy and self._ask_at == math.inf:
            return False
        self._multi.perform()
        has_ended = self._harvest()
        if self._came:
            self._take_in()
        if not has_ended:
            self._wait(min(deadline, self._ask_at or math.inf) - now)
        if now >= self._look_at:
            self._look_at = now + _LOOK_EVERY_S
            self._end_overdue(monotonic())
            if now >= self._forget_at:
                self._forget_at = now + _KNOWN_S
                self._known_hosts.clear()
                self._leaders.clear()
        return True

    def close(self) -> None:
        """Break off what is in flight and leave nothing of it."""
        for transfer in self._busy:
            self._detach(transfer)
            transfer.attempt.body.discard()
        for transfer in self._transfers.values():
            transfer.close()
        self._transfers.clear()
        self._multi.close()
        self._resolver.close()

    def _fill(self, now: float) -> None:
        """Make as many attempts as there are connections, if there is work."""
        self._ask_at = 0.0
        while len(self._busy) < self._options.connections:
            step = self._work.next()
            if step is None:
                self._ask_at = math.inf
            elif isinstance(step, float):
                self._ask_at = now + step
            if step is None or isinstance(step, float):
                return
            transfer = self._free.pop() if self._free else self._new_transfer()
            self._busy.add(transfer)
            transfer.begin(step, now)
            self._go(transfer)

    def _new_transfer(self) -> Transfer:
        transfer = Transfer(self._options, self._user_agent, self._came.append)
        self._transfers[transfer.handle] = transfer
        return transfer

    def _go(self, transfer: Transfer) -> None:
        """Start, unless the host has to be looked up first."""
        try:
            transfer.aim()
        except guard.BadUrlError as error:
            self._give_up(transfer, Outcome.BAD_URL, str(error))
        except guard.BlockedError as error:
            self._give_up(transfer, Outcome.BLOCKED, str(error.strerror))
        else:
            if transfer.peer.host in self._known_hosts:
                self._attach(transfer)
            else:
                self._connect(transfer)

    def _connect_known(self) -> None:
        waiting, self._waiting = self._waiting, []
        for transfer in waiting:
            self._connect(transfer)

    def _connect(self, transfer: Transfer) -> None:
        """Hand a transfer to libcurl once its host's addresses are known."""
        peer = transfer.peer
        try:
            is_ready = self._may_follow(transfer) and peer.is_resolved(self._resolver)
        except UnicodeError:
            detail = "the URL's host cannot be a name in DNS"
            self._give_up(transfer, Outcome.BAD_URL, detail)
        except OSError as error:
            detail = f"no address for {peer.hostname}: {error.strerror}"
            self._give_up(transfer, Outcome.DNS, detail)
        else:
            if is_ready:
                self._attach(transfer)
                if peer.is_https and peer.host not in self._known_hosts:
                    self._leaders[peer.host] = transfer
                else:
                    self._known_hosts.add(peer.host)
            else:
                self._waiting.append(transfer)

    def _may_follow(self, transfer: Transfer) -> bool:
        """
        Tell whether nobody is making the first connection to the transfer's host.

        With HTTP/2 all share it. That libcurl can be told to wait (PIPEWAIT) is of no
        use: it waits for the end of the first download where there is no HTTP/2.
        """
        host = transfer.peer.host
        leader = self._leaders.get(host)
        if leader is None or leader.peer.host != host or not leader.is_attached:
            return True  # there is none, or it has failed
        if leader.is_connected:
            self._known_hosts.add(host)
            return True
        return False

    def _attach(self, transfer: Transfer) -> None:
        self._multi.add_handle(transfer.handle)
        transfer.is_attached = True

    def _harvest(self) -> bool:
        """Take in what has ended; tell whether anything has."""
        _, done, failed = self._multi.info_read()
        for handle in done:
            self._ended(self._transfers[handle], pycurl.E_OK, "")
        for handle, code, message in failed:
            self._ended(self._transfers[handle], code, message)
        return bool(done or failed)

    def _take_in(self) -> None:
        for transfer in self._came:
            if transfer.is_attached and (code := transfer.take_in()) is not None:
                self._ended(transfer, code, "")
        self._came.clear()

    def _ended(self, transfer: Transfer, code: int, message: str) -> None:
        self._detach(transfer)
        if code == pycurl.E_OK:
            self._known_hosts.add(transfer.peer.host)
        ending = transfer.ended(code, message)
        if ending:
            self._release(transfer, ending)
        elif transfer.redirects > redirects.MOST:
            detail = f"redirected more than {redirects.MOST} times"
            self._give_up(transfer, Outcome.TOO_MANY_REDIRECTS, detail)
        else:
            self._go(transfer)

    def _end_overdue(self, now: float) -> None:
        for transfer in tuple(self._busy):
            if overdue := transfer.overdue(now):
                self._detach(transfer)
                self._give_up(transfer, *overdue)

    def _give_up(self, transfer: Transfer, outcome: Outcome, detail: str) -> None:
        self._release(transfer, transfer.attempt.body.fail(outcome, detail))

    def _release(self, transfer: Transfer, ending: Ending) -> None:
        """Pass an ending on; the transfer is free for another attempt."""
        self._busy.discard(transfer)
        self._free.append(transfer)
        self._ask_at = 0.0
        self._work.ended(transfer.attempt, ending)

    def _detach(self, transfer: Transfer) -> None:
        if transfer.is_attached:
            self._multi.remove_handle(transfer.handle)
            transfer.is_attached = False
        elif transfer in self._waiting:
            self._waiting.remove(transfer)

    def _wait(self, longest_s: float) -> None:
        """Sleep until a socket, libcurl or we have something to do."""
        wait_s = min(longest_s, _LOOK_EVERY_S)
        if self._waiting:
            wait_s = min(wait_s, _LOOK_UP_EVERY_S)
        curl_ms = self._multi.timeout()
        if curl_ms >= 0:
            wait_s = min(wait_s, curl_ms / 1_000)
        if wait_s <= 0:
            return
        began = monotonic()
        if self._multi.select(wait_s) <= 0:
            # Without a socket, nothing in flight, it comes back at once.
            left_s = wait_s - (monotonic() - began)
            time.sleep(max(0.0, min(left_s, _LOOK_UP_EVERY_S)))
