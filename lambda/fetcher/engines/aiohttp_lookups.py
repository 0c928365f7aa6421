"""Look-ups of the aiohttp engine, and how far a request is before it is answered."""

from __future__ import annotations

import socket
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from threading import Lock
from time import monotonic
from typing import TYPE_CHECKING, Any

import aiohttp

from fetcher.engines.resolver import MAX_THREADS, Failure, failure_ttl_s
from fetcher.transfer.attempt import Stage

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future
    from types import SimpleNamespace

    from aiohttp.abc import ResolveResult

_MAX_CACHED = 10_000


def stages() -> aiohttp.TraceConfig:
    """Return what tells an attempt that its connection stands."""

    async def asked(_session: object, context: SimpleNamespace, _: object) -> None:
        context.trace_request_ctx.stage = Stage.ASKED

    traces = aiohttp.TraceConfig()
    traces.on_request_headers_sent.append(asked)
    return traces


class ThreadedLookups(aiohttp.ThreadedResolver):
    """
    Look-ups in threads; aiohttp itself remembers those that succeed.

    Args:
        threads: They run in these.
    """

    def __init__(self, threads: Lookups) -> None:
        super().__init__()
        self._threads = threads
        self._pending: Counter[str] = Counter()
        self._failures: dict[str, tuple[float, Failure]] = {}

    def stage(self, name: str) -> Stage:
        """Return how far requests to a host of this name have come."""
        if not self._pending[name]:
            return Stage.CONNECTING
        return Stage.LOOKING_UP if self._threads.asked[name] else Stage.QUEUED

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Look a name up."""
        expires_at, failure = self._failures.get(host, (0.0, OSError()))
        if expires_at > monotonic():
            raise failure
        self._pending[host] += 1
        try:
            return await super().resolve(host, port, family)
        except (OSError, UnicodeError) as error:
            if len(self._failures) >= _MAX_CACHED:
                self._failures.clear()
            self._failures[host] = monotonic() + failure_ttl_s(error), error
            raise
        finally:
            _uncount(self._pending, host)


class Lookups(ThreadPoolExecutor):
    """
    Threads that look names up; at the deadline no report waits for a slow one.

    The process does when it exits, because Python joins its threads.

    Attributes:
        asked: How many threads are at work on a name.
    """

    def __init__(self) -> None:
        super().__init__(MAX_THREADS)
        self.asked: Counter[str] = Counter()
        self._counting = Lock()

    def submit(
        self,
        look_up: Callable[..., Any],
        /,
        *args: Any,  # noqa: ANN401 - inherited
        **kwargs: Any,  # noqa: ANN401 - likewise
    ) -> Future[Any]:
        """Look a name up in a thread, once one is free; asyncio passes none by name."""
        return super().submit(self._count, look_up, *args, **kwargs)

    def _count(self, look_up: Callable[..., Any], host: str, *args: object) -> object:
        with self._counting:
            self.asked[host] += 1
        try:
            return look_up(host, *args)
        finally:
            with self._counting:
                _uncount(self.asked, host)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: ARG002 - inherited
        """Leave running look-ups behind."""
        super().shutdown(wait=False, cancel_futures=True)


def _uncount(counts: Counter[str], name: str) -> None:
    counts[name] -= 1
    if not counts[name]:
        del counts[name]
