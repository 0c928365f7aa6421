"""What the aiohttp engine knows of a request before it is answered."""

from __future__ import annotations

import socket
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import aiohttp

from fetcher.transfer.attempt import Stage

if TYPE_CHECKING:
    from types import SimpleNamespace

    from aiohttp.abc import ResolveResult


def stages() -> aiohttp.TraceConfig:
    """Return what tells an attempt that its connection stands."""

    async def asked(_session: object, context: SimpleNamespace, _: object) -> None:
        context.trace_request_ctx.stage = Stage.ASKED

    traces = aiohttp.TraceConfig()
    traces.on_request_headers_sent.append(asked)
    return traces


class ThreadedLookups(aiohttp.ThreadedResolver):
    """
    Look-ups in threads.

    Attributes:
        asked: How many are under way, by name.
    """

    def __init__(self) -> None:
        super().__init__()
        self.asked: Counter[str] = Counter()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Look a name up."""
        self.asked[host] += 1
        try:
            return await super().resolve(host, port, family)
        finally:
            self.asked[host] -= 1
            if not self.asked[host]:
                del self.asked[host]


class Lookups(ThreadPoolExecutor):
    """
    Threads that look names up; at the deadline no report waits for a slow one.

    The process does when it exits, because Python joins its threads.
    """

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: ARG002 - inherited
        """Leave running look-ups behind."""
        super().shutdown(wait=False, cancel_futures=True)
