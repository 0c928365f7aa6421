"""DNS look-ups in threads: each name once at a time, then cached for a while."""

from __future__ import annotations

import socket
import threading
from ipaddress import ip_address
from queue import SimpleQueue
from time import monotonic

# Names looked up at once: each that no server answers holds up a thread for 10 s and
# more. Lambda gives an execution 1,024 threads.
MAX_THREADS = 960
_TTL_S = 300.0
_FAILURE_TTL_S = 0.5
_UNKNOWN_TTL_S = 30.0  # of names that do not exist: less than most name servers say
_MAX_CACHED = 10_000

Addresses = tuple[str, ...]
Failure = OSError | UnicodeError
_MISS: tuple[float, Addresses | Failure] = (0.0, ())


class Resolver:
    """
    Look-ups that never block, so that an event loop can ask again later.

    libcurl would look a name up once for every download that starts before the first
    answer.
    """

    def __init__(self) -> None:
        self._queue: SimpleQueue[str] = SimpleQueue()
        self._cache: dict[str, tuple[float, Addresses | Failure]] = {}
        self._pending: set[str] = set()
        self._asked: set[str] = set()  # those of them that a thread has taken
        self._threads = 0

    def look_up(self, name: str) -> Addresses | None:
        """
        Return a name's numeric addresses, or None while they are being looked up.

        Raises:
            OSError: If it has none, or no name server answered.

            UnicodeError: If it cannot be a name in DNS.
        """
        expires_at, result = self._cache.get(name, _MISS)
        if expires_at > monotonic():
            if isinstance(result, Failure):
                raise result
            return result
        if name not in self._pending:
            self._request(name)
        return None

    def is_pending(self, name: str) -> bool:
        """Tell whether a name has been asked for and not found yet."""
        return name in self._pending

    def is_asked(self, name: str) -> bool:
        """Tell whether a look-up is under way, or still waits for a thread."""
        return name in self._asked

    def _request(self, name: str) -> None:
        if len(self._cache) >= _MAX_CACHED:
            self._cache.clear()
        self._pending.add(name)
        if self._threads < min(MAX_THREADS, len(self._pending)):
            self._start_thread()
        self._queue.put(name)

    def _start_thread(self) -> None:
        # A daemon: nothing waits for a slow name server, not even the process.
        thread = threading.Thread(target=self._work, daemon=True)
        try:
            thread.start()
        except RuntimeError:  # the system allows no more
            if not self._threads:
                raise
        else:
            self._threads += 1

    def close(self) -> None:
        """Let each thread end once it has its answer."""
        for _ in range(self._threads):
            self._queue.put("")

    def _work(self) -> None:
        while name := self._queue.get():
            self._asked.add(name)
            try:
                found = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
                addresses = tuple(str(address[0]) for *_, address in found)
                self._cache[name] = monotonic() + _TTL_S, addresses
            except (OSError, UnicodeError) as error:
                self._cache[name] = monotonic() + failure_ttl_s(error), error
            self._asked.discard(name)
            self._pending.discard(name)


def failure_ttl_s(error: Failure) -> float:
    """
    Return for how long a failed look-up need not be repeated.

    >>> failure_ttl_s(socket.gaierror(socket.EAI_NONAME, "not known"))
    30.0
    >>> failure_ttl_s(socket.gaierror(socket.EAI_AGAIN, "try again"))
    0.5
    """
    is_unknown = isinstance(error, OSError) and error.errno == socket.EAI_NONAME
    return _UNKNOWN_TTL_S if is_unknown else _FAILURE_TTL_S


def is_address(hostname: str) -> bool:
    """
    Tell whether a URL's host is an address, and needs no look-up.

    >>> is_address("127.0.0.1"), is_address("fe80::1%eth0"), is_address("h")
    (True, True, False)
    """
    try:
        ip_address(hostname.partition("%")[0])
    except ValueError:
        return False
    return True
