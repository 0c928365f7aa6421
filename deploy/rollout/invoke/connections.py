"""The pool of connections for calls in flight."""

from __future__ import annotations

import socket
import ssl
from typing import TYPE_CHECKING

import aiohttp
from botocore.httpsession import get_cert_path

from aws_facts.limits import limit
from fetcher.process.descriptors import raise_limit
from rollout.errors import SettingError

if TYPE_CHECKING:
    from aiohappyeyeballs import AddrInfoType

_OTHERS = 256  # descriptors of a process, beside its calls' connections
_CONNECT_TIMEOUT_S = 10
# Time for the longest invocation's answer to arrive after its end.
_ANSWER_WITHIN_S = 30
# Routers drop connections that are silent while a function works, so AWS advises
# keep-alives. https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
_KEEPALIVE_AFTER_S = 30
_KEEPALIVE_OPTION: int = getattr(socket, "TCP_KEEPIDLE", 0x10)  # macOS: TCP_KEEPALIVE


def descriptors_for(in_flight: int) -> int:
    """
    Return how many open files and sockets so many calls in flight take.

    >>> descriptors_for(1_000)
    1256
    """
    return in_flight + _OTHERS


def open_session(in_flight: int, ca_file: str | None) -> aiohttp.ClientSession:
    """
    Open a pool that repeats no POST by itself, and trusts botocore's CAs by default.

    Raises:
        SettingError: If this machine does not allow so many connections.
    """
    needed = descriptors_for(in_flight)
    if (allowed := raise_limit(needed)) < needed:
        msg = (
            f"{in_flight:,} calls in flight need {needed:,} open files and sockets; "
            f"this machine allows {allowed:,}. Raise its limit (`ulimit -Hn`), or have "
            "fewer calls in flight."
        )
        raise SettingError(msg)
    connector = aiohttp.TCPConnector(
        limit=0, ssl=_trust(ca_file), socket_factory=_kept_alive
    )
    return aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(
            total=None,
            sock_connect=_CONNECT_TIMEOUT_S,
            sock_read=limit("timeout_s").most + _ANSWER_WITHIN_S,
        ),
    )


def _trust(ca_file: str | None) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=get_cert_path(ca_file or True))


def _kept_alive(address: AddrInfoType) -> socket.socket:
    family, kind, protocol, _, _ = address
    new = socket.socket(family, kind, protocol)
    new.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    new.setsockopt(socket.IPPROTO_TCP, _KEEPALIVE_OPTION, _KEEPALIVE_AFTER_S)
    return new
