"""The server a libcurl handle talks to: resolved, and admitted by the guard."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pycurl

from fetcher.contract.outcome import Outcome
from fetcher.engines.curl_handle import (
    SocketHandle,
    resolve_option,
    trust_system_certificates,
)
from fetcher.engines.resolver import is_address
from fetcher.process.descriptors import shortage
from fetcher.security import guard
from fetcher.transfer.attempt import Stage

if TYPE_CHECKING:
    from fetcher.engines.resolver import Resolver


class Peer:
    """
    The server of a URL.

    Args:
        handle: libcurl's.

        allow_private: Whether it may have a private address.

    Attributes:
        url: As libcurl is to fetch it.

        host: Host and port in it.

        hostname: The host alone, once it is looked up.

        refusal: How the attempt ends if the guard, or a lack of descriptors, kept it
            from trying any address; else None.
    """

    def __init__(self, handle: pycurl.Curl, *, allow_private: bool) -> None:
        self._handle = handle
        self._set = handle.setopt  # bound once: pycurl finds attributes slowly
        self._allow_private = allow_private
        self._set(pycurl.OPENSOCKETFUNCTION, self._open_socket)
        self._trusts = False
        self.refusal: tuple[Outcome, str] | None = None

    def aim(self, url: str, host: str) -> None:
        """
        Set the URL to fetch.

        Raises:
            BadUrlError: If it is malformed.
        """
        if not url.isascii():
            url = _in_ascii(url)
            host = guard.host_of(url)
        if url[4] in "sS" and not self._trusts:
            trust_system_certificates(self._handle)
            self._trusts = True
        self.url, self.host, self.refusal = url, host, None
        self.hostname, self._has_tried = "", False
        self._set(pycurl.URL, url)

    @property
    def is_https(self) -> bool:
        """Whether the URL to fetch is."""
        return self.url[4] in "sS"  # the scheme may be in capitals

    def resolved(self, resolver: Resolver) -> Stage:
        """
        Pass the host's addresses to libcurl if they are known.

        Returns:
            `CONNECTING` if so; until then, `LOOKING_UP` or `QUEUED`.

        Raises:
            OSError: If it has none.

            UnicodeError: If it cannot be a name in DNS.
        """
        parts = urlsplit(self.url)
        self.hostname = parts.hostname or ""
        if is_address(self.hostname):
            return Stage.CONNECTING
        addresses = resolver.look_up(self.hostname)
        if addresses is None:
            is_asked = resolver.is_asked(self.hostname)
            return Stage.LOOKING_UP if is_asked else Stage.QUEUED
        port = parts.port or {"http": 80, "https": 443}[parts.scheme.lower()]
        self._set(pycurl.RESOLVE, [resolve_option(self.hostname, port, addresses)])
        return Stage.CONNECTING

    def close(self) -> None:
        """Release the handle."""
        del self._handle, self._set

    def _open_socket(self, _purpose: int, address: Any) -> SocketHandle | int:  # noqa: ANN401 - pycurl's
        """Open a socket, unless the guard forbids where it would connect."""
        host, port, *_ = address.addr
        outcome = Outcome.BLOCKED
        reason = guard.connectable(host, port, allow_private=self._allow_private)
        if not reason:
            try:
                opened = SocketHandle(
                    socket.socket(address.family, address.socktype, address.protocol)
                )
            except OSError as error:
                outcome, reason = Outcome.UNSTARTED, shortage(error)
            else:
                self.refusal, self._has_tried = None, True
                return opened
        if reason and not self._has_tried:
            self.refusal = outcome, reason
        return int(pycurl.SOCKET_BAD)  # libcurl tries the next address


def _in_ascii(url: str) -> str:
    from yarl import URL  # noqa: PLC0415 - hardly any list needs it

    try:
        return str(URL(url))
    except ValueError as error:
        msg = "The URL's host cannot be a name in DNS."
        raise guard.BadUrlError(msg) from error
