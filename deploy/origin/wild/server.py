"""
Listeners at every host of a web that answers, and connections to them.

A listening socket per address, not one on the wildcard, so that nothing listens beyond
loopback, a refused host needs no socket, and one that drops SYNs is a socket whose
queue is full.
"""

from __future__ import annotations

import asyncio
import errno
import socket
import ssl
import tempfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from origin.answers import answer
from origin.certificate import write_certificate
from origin.server import BACKLOG, HOST, Connection, OriginError
from origin.wild.answers import WildSite

if TYPE_CHECKING:
    from contextlib import ExitStack

    from origin.wild.synthetic_web import Web

_PORTS_TRIED = 20
_SILENT = {"refused", "dns"}


def listen_at(web: Web, open_: ExitStack) -> dict[str, socket.socket]:
    """
    Open a socket at each host that has one, and at 127.0.0.1, all on the same port.

    Raises:
        OriginError: If there is no such port, or there are too few descriptors.
    """
    hosts = {host: fate for host, fate in web.hosts.items() if fate not in _SILENT}
    for _ in range(_PORTS_TRIED):
        first = open_.enter_context(socket.create_server((HOST, 0), backlog=BACKLOG))
        port = first.getsockname()[1]
        found = {HOST: first}
        try:
            for host, fate in hosts.items():
                backlog = 0 if fate == "dropped" else BACKLOG
                found[host] = open_.enter_context(
                    socket.create_server((host, port), backlog=backlog)
                )
        except OSError as error:
            reason = error
            open_.close()
        else:
            return found
    advice = "Choose fewer hosts, or raise `ulimit -n`."
    if reason.errno == errno.EADDRNOTAVAIL:  # macOS
        advice = "It takes Linux, where all of 127.0.0.0/8 is this machine."
    where = f"{len(hosts):,} addresses"
    msg = f"The wild origin could not listen at {where}: {reason}. {advice}"
    raise OriginError(msg)


async def serve(web: Web, sockets: dict[str, socket.socket], open_: ExitStack) -> None:
    """Answer on sockets that `listen_at` opened, until the event loop ends."""
    site = WildSite(web)
    loop = asyncio.get_running_loop()
    with tempfile.TemporaryDirectory(prefix="wild-origin-") as folder:
        certificate, key = Path(folder, "certificate.pem"), Path(folder, "key.pem")
        write_certificate(certificate, key)
        untrusted = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        untrusted.load_cert_chain(certificate, key)
        for host, listener in sockets.items():
            fate = web.hosts.get(host)
            if fate == "dropped":
                _fill_queue(listener, open_)
                continue
            await loop.create_server(
                partial(_connection, site, host),
                sock=listener,
                backlog=BACKLOG,
                ssl=untrusted if fate == "tls" else None,
            )


def _connection(site: WildSite, host: str) -> Connection:
    """Count a connection; return what answers its requests."""
    if host == HOST:
        return Connection(partial(answer, find=site.counts))
    site.connections[host] += 1
    return Connection(partial(answer, find=partial(site.answer, host)))


def _fill_queue(listener: socket.socket, open_: ExitStack) -> None:
    """
    Make a listener with a backlog of 0 drop what else wants to connect.

    Linux lets one more connection than the backlog wait to be accepted, and answers no
    SYN while the queue is full (listen(2), tcp(7) under tcp_abort_on_overflow).
    """
    open_.enter_context(socket.create_connection(listener.getsockname()))
