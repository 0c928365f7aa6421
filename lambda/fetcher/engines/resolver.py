"""Names looked up in threads: each once at a time, and not again for a while."""

from __future__ import annotations

import socket
import threading
from ipaddress import ip_address
from queue import SimpleQueue
from time import monotonic

_THREADS = 64  # names looked up at once
_KEPT_S = 300.0
_FAILURE_KEPT_S = 0.5
_KEPT_MOST = 10_000

Addresses = tuple[str, ...]
Failure = OSError | UnicodeError


class Resolver:
    """
    Answers without waiting, so that an event loop can ask again.

    libcurl would look a name up once for every download that begins before the first
    answer has come.
    """

    def __init__(self) -> None:
        self._wanted: SimpleQueue[str] = SimpleQueue()
        self._known: dict[str, tuple[float, Addresses | Failure]] = {}
        self._asked: set[str] = set()
        self._threads = 0

    def look_up(self, name: str) -> Addresses | None:
        """
        Return a name's numeric addresses, or None while they are being looked up.

        Raises:
            OSError: If there are none, or nobody could say.

            UnicodeError: If it cannot be a name in DNS.
        """
        known = self._known.get(name)
        if known and known[0] > monotonic():
            if isinstance(known[1], Failure):
                raise known[1]
            return known[1]
        if name not in self._asked:
            self._ask(name)
        return None

    def _ask(self, name: str) -> None:
        if len(self._known) >= _KEPT_MOST:
            self._known.clear()
        self._asked.add(name)
        if self._threads < min(_THREADS, len(self._asked)):
            # A daemon: neither a report nor the process waits for a slow name server.
            threading.Thread(target=self._work, daemon=True).start()
            self._threads += 1
        self._wanted.put(name)

    def close(self) -> None:
        """Let the threads end, each once it has its answer."""
        for _ in range(self._threads):
            self._wanted.put("")

    def _work(self) -> None:
        while name := self._wanted.get():
            try:
                found = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
                addresses = tuple(str(address[0]) for *_, address in found)
                self._known[name] = monotonic() + _KEPT_S, addresses
            except (OSError, UnicodeError) as error:
                self._known[name] = monotonic() + _FAILURE_KEPT_S, error
            self._asked.discard(name)


def is_address(hostname: str) -> bool:
    """
    Tell whether a URL's host needs no looking up.

    >>> is_address("127.0.0.1"), is_address("fe80::1%eth0"), is_address("h")
    (True, True, False)
    """
    try:
        ip_address(hostname.partition("%")[0])
    except ValueError:
        return False
    return True
