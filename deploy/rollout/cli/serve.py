"""The local endpoint in the foreground: what `rollout serve` does."""

from __future__ import annotations

import asyncio
import os
import threading
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING

from local_aws.endpoint import Pace, main_async
from local_aws.endpoint_process import LocalEndpoint
from local_aws.errors import EndpointError
from origin import Origin

if TYPE_CHECKING:
    from collections.abc import Callable

_STDIN = 0


def serve(
    host: str,
    port: int,
    announce: Callable[[LocalEndpoint], object],
    *,
    with_origin: bool,
    until_stdin_closes: bool,
    pace: Pace = "none",
    any_credentials: bool = False,
) -> None:
    """
    Serve until SIGINT, SIGTERM, or the end of stdin if that is wanted.

    Args:
        host: A loopback address.

        port: Where to listen; 0 for any free port.

        announce: Told the addresses and the key pair once everything answers.

        with_origin: Whether files to download are served as well.

        until_stdin_closes: Whether to end with whoever holds the other end of stdin.

        pace: ``"aws"`` slows functions down as AWS does.

        any_credentials: Whether to let in everybody on this machine, signed or not.

    Raises:
        EndpointError: If it cannot listen there.

        OriginError: If the origin ended by itself.
    """
    os.umask(0o077)  # whatever is made here is this user's alone
    with ExitStack() as stack:
        origin = stack.enter_context(Origin()) if with_origin else None
        origin_url = origin.url if origin else ""

        async def run() -> None:
            stop = asyncio.Event()
            if origin:
                _watch(origin, stop)
            if until_stdin_closes:
                _watch_stdin(stop)
            await main_async(
                host,
                port,
                on_ready=lambda aws: announce(
                    LocalEndpoint(aws.endpoint_url, origin_url, aws.keys)
                ),
                stop=stop,
                pace=pace,
                any_credentials=any_credentials,
            )

        asyncio.run(run())
        if origin:
            origin.check()


def _watch(origin: Origin, stop: asyncio.Event) -> None:
    """Stop at once when the origin ends, or downloads from it would fail one by one."""
    loop = asyncio.get_running_loop()

    def wait() -> None:
        origin.wait()
        with suppress(RuntimeError):  # the loop has ended first, as it should
            loop.call_soon_threadsafe(stop.set)

    threading.Thread(target=wait, daemon=True).start()


def _watch_stdin(stop: asyncio.Event) -> None:
    def on_readable() -> None:
        if not os.read(_STDIN, 1_024):
            loop.remove_reader(_STDIN)
            stop.set()

    loop = asyncio.get_running_loop()
    try:
        loop.add_reader(_STDIN, on_readable)
    except PermissionError as error:
        msg = "Stdin is not a pipe, so it cannot close. Leave out --until-stdin-closes."
        raise EndpointError(msg) from error
