"""
Listeners at every host of a web that answers, and connections to them.

A listening socket per address, not one on the wildcard, so that nothing listens beyond
loopback, a refused host needs no socket, and one that drops SYNs is a socket whose
queue is full.
"""

from __future__ import annotations

import asyncio
import errno
import json
import socket
import ssl
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from origin.answers import REQUEST_MOST_BYTES, read_head
from origin.certificate import write_certificate
from origin.server import HOST, OriginError, reset
from origin.wild.answers import Afterwards, Answer, WildSite, refusal

if TYPE_CHECKING:
    from contextlib import ExitStack

    from origin.wild.url_list import Web

_BACKLOG = 4_096
_PORTS_TRIED = 20
_SILENT = {"refused", "dns"}
_DRIP_EVERY_S = 1.0


def listen_at(web: Web, open_: ExitStack) -> dict[str, socket.socket]:
    """
    Open a socket at each host that has one, and at 127.0.0.1, all on the same port.

    Raises:
        OriginError: If there is no such port, or there are too few descriptors.
    """
    hosts = {host: fate for host, fate in web.hosts.items() if fate not in _SILENT}
    for _ in range(_PORTS_TRIED):
        first = open_.enter_context(socket.create_server((HOST, 0), backlog=_BACKLOG))
        port = first.getsockname()[1]
        found = {HOST: first}
        try:
            for host, fate in hosts.items():
                backlog = 0 if fate == "dropped" else _BACKLOG
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
        for host, listener in sockets.items():
            fate = web.hosts.get(host)
            if fate == "dropped":
                _fill_queue(listener, open_)
                continue
            await loop.create_server(
                lambda host=host: _Connection(site, host),
                sock=listener,
                backlog=_BACKLOG,
                ssl=_tls(site, host, certificate, key) if fate == "tls" else None,
            )


def _fill_queue(listener: socket.socket, open_: ExitStack) -> None:
    """
    Make a listener with a backlog of 0 drop what else wants to connect.

    Linux lets one more connection than the backlog wait to be accepted, and answers no
    SYN while the queue is full (listen(2), tcp(7) under tcp_abort_on_overflow).
    """
    open_.enter_context(socket.create_connection(listener.getsockname()))


def _tls(site: WildSite, host: str, certificate: Path, key: Path) -> ssl.SSLContext:
    """Return a context that counts what says hello, since no client goes on."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)

    def count(*_: object) -> None:
        site.connections[host] += 1

    context.sni_callback = count
    return context


class _Connection(asyncio.Protocol):
    """A client's requests to one host, answered one after the other."""

    _transport: asyncio.Transport

    def __init__(self, site: WildSite, host: str) -> None:
        self._site = site
        self._host = host
        self._received = b""
        self._busy = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        if self._host != HOST:
            self._site.connections[self._host] += 1

    def data_received(self, data: bytes) -> None:
        self._received += data
        self._proceed()

    def _proceed(self) -> None:
        if self._busy:
            return
        head, end, rest = self._received.partition(b"\r\n\r\n")
        if not end and len(head) <= REQUEST_MOST_BYTES:
            return
        self._received = rest
        self._busy = True
        answer = self._answer(head)
        if answer.delay_s:
            loop = asyncio.get_running_loop()
            loop.call_later(answer.delay_s, self._send, answer)
        else:
            self._send(answer)

    def _answer(self, head: bytes) -> Answer:
        request = read_head(head)
        if request is None:
            return refusal(400).as_last()
        if not request.is_known:
            return refusal(501).as_last()
        if self._host == HOST:
            answer = _counts(self._site)
        else:
            answer = self._site.answer(self._host, request.target)
        if not request.wants_body:
            answer = answer.without_body()
        return answer.as_last() if request.is_last else answer

    def _send(self, answer: Answer) -> None:
        transport = self._transport
        if transport.is_closing():
            return
        if answer.data:
            transport.write(answer.data)
        match answer.after:
            case Afterwards.NEXT:
                self._busy = False
                self._proceed()
            case Afterwards.CLOSE:
                transport.close()
            case Afterwards.RESET:
                reset(transport)
            case Afterwards.DRIP:
                self._drip(answer.rest)
            case Afterwards.SILENCE:
                pass  # until the client leaves

    def _drip(self, rest: bytes) -> None:
        if self._transport.is_closing():
            return
        self._transport.write(rest[:1])
        asyncio.get_running_loop().call_later(_DRIP_EVERY_S, self._drip, rest[1:])


def _counts(site: WildSite) -> Answer:
    counts = {"connections": site.connections, "requests": site.requests}
    body = json.dumps(counts).encode()
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    return Answer(head + body)
