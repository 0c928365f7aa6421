"""`python -m origin`: the origin alone."""

from __future__ import annotations

import argparse
import asyncio
import json
import resource
import socket

from origin.server import OriginError, address, listen, start, stop_event

_DESCRIPTORS = 65_536


def main() -> None:
    """Serve until SIGINT or SIGTERM; print the address as the first line on stdout."""
    parser = argparse.ArgumentParser(
        prog="python -m origin",
        description="Serve JPEGs of exact sizes on loopback, with faults on request.",
    )
    parser.add_argument("--port", type=int, default=0, help="0 chooses a free one")
    parser.add_argument(
        "--until-stdin-closes",
        action="store_true",
        help="also end when stdin, a pipe, closes",
    )
    parser.add_argument("--listener-fd", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    _allow_many_connections()
    given = options.listener_fd  # opened by `Origin`
    try:
        listener = socket.socket(fileno=given) if given else listen(options.port)
    except OriginError as error:
        parser.exit(2, f"{error}\n")
    with listener:
        asyncio.run(_run(listener, until_stdin_closes=options.until_stdin_closes))


async def _run(listener: socket.socket, *, until_stdin_closes: bool) -> None:
    stopped = stop_event(until_stdin_closes=until_stdin_closes)
    server = await start(listener)
    print(json.dumps({"origin_url": address(listener)}), flush=True)
    await stopped.wait()
    server.close()


def _allow_many_connections() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = max(soft, min(hard, _DESCRIPTORS))
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


if __name__ == "__main__":
    main()
