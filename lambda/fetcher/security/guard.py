"""
Rules on which schemes and addresses may be contacted.

The worker fetches what strangers ask for, from inside somebody's network. So the rules
apply to the address a socket is about to connect to, after DNS and every redirect:
neither odd spellings of a host nor changing names get around them.
"""

from __future__ import annotations

import errno
import os
import re
import socket
from functools import lru_cache
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
)
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable

SCHEMES = ("http", "https")
HTTPS_PORT = ":443"

_BYTE = "(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
# A name whose last label is not a number, or a canonical IPv4 address.
PLAIN_HOST = (
    r"(?:(?:[A-Za-z0-9-][A-Za-z0-9.-]{0,125}\.)?+[A-Za-z-][A-Za-z0-9-]{0,63}+"
    rf"|{_BYTE}(?:\.{_BYTE}){{3}})"
)
PLAIN_PORT = "(?:6[0-4][0-9]{3}|[1-5]?[0-9]{1,4})"
_plain = re.compile(
    rf"https?://({PLAIN_HOST}(?::{PLAIN_PORT})?+)(?:/[!-~]*)?"
).fullmatch
_ends_in_number = re.compile(r"(?:.*\.)?(?:[0-9]+|0x[0-9a-f]*)\.?").fullmatch
_MAX_URL = 8_192  # what common servers accept as a request line
_NAT64 = IPv6Network("64:ff9b::/96")  # RFC 6052: an IPv4 address in its last 32 bits
# The address from which the runtime client takes invocations, as host:port.
# https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
_RUNTIME_API = "AWS_LAMBDA_RUNTIME_API"
# Where clouds keep credentials, besides link-local addresses.
_METADATA = (
    IPv6Network("fd00:ec2::/32"),  # EC2's instance metadata over IPv6
    # https://learn.microsoft.com/azure/virtual-network/what-is-ip-address-168-63-129-16
    IPv4Network("168.63.129.16"),
    IPv4Network("192.0.0.192"),  # Oracle Cloud Classic
    # https://www.alibabacloud.com/help/en/ecs/user-guide/view-instance-metadata
    IPv4Network("100.100.100.200"),
    # As given by cloud-init, Oracle's SDKs and Google's operators; not tried from here.
    IPv6Network("fd20:ce::254"),  # Google
    IPv6Network("fd00:c1::a9fe:a9fe"),  # Oracle
    IPv6Network("fd00:42::42"),  # Scaleway
    IPv6Network("fd00:a9fe:a9fe::1"),  # Akamai
    IPv6Network("fd00:100::100:200"),  # Alibaba
)
# Private, too, though some versions of Python call them global.
_PRIVATE = (
    IPv4Network("192.0.0.0/24"),  # IETF protocol assignments: RFC 6890
    IPv6Network("fec0::/10"),  # site-local: RFC 3879
)


class BadUrlError(ValueError):
    """The text is not a URL that can be fetched."""


class BlockedError(OSError):
    """
    The address may not be contacted.

    An `OSError`, because it is raised where a socket would connect.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(errno.EACCES, reason)


def plain_host(url: str) -> str:
    """
    Return the `host_of` a URL that plainly passes `check_url`; empty: it may not.

    It costs a tenth of both, and most URLs are that plain.

    >>> plain_host("http://H/a?b"), plain_host("https://h"), plain_host("http://u:p@h/")
    ('h', 'h:443', '')
    """
    match = _plain(url)
    if not match or len(url) > _MAX_URL:
        return ""
    host = match[1].lower()
    return host if url[4] == ":" or ":" in host else host + HTTPS_PORT


def check_url(url: str) -> SplitResult:
    """
    Return the URL's parts if it can be fetched at all.

    Raises:
        BadUrlError: If it is malformed, too long, or of a scheme other than http and
            https. It says which, without repeating what may be a password.
    """
    if len(url) > _MAX_URL:
        msg = f"The URL is {len(url):,} characters long; at most {_MAX_URL:,} are sent."
        raise BadUrlError(msg)
    if not url.isprintable() or " " in url:
        msg = "The URL holds a space or a control character; percent-encode it."
        raise BadUrlError(msg)
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        msg = "The URL's host or port is malformed."
        raise BadUrlError(msg) from None  # the cause quotes what may be a password
    if parts.scheme.lower() not in SCHEMES:
        msg = f"The scheme is {parts.scheme!r}; only http and https are fetched."
        raise BadUrlError(msg)
    if not host:
        msg = "The URL names no host."
        raise BadUrlError(msg)
    authority = parts.netloc
    if "\\" in authority or authority.count("@") > 1 or _is_encoded(host):
        msg = "The URL's host or port is malformed."
        raise BadUrlError(msg)
    if ":" not in host and _is_odd_address(host):
        msg = (
            "The URL's host is an address that programs read in different ways; write "
            "it as four decimal numbers, like 192.0.2.1."
        )
        raise BadUrlError(msg)
    return parts


def _is_encoded(host: str) -> bool:
    return "%" in host and ":" not in host  # in an IPv6 address it begins the zone


def _is_odd_address(host: str) -> bool:
    """
    Tell whether only some programs take a name for an IPv4 address.

    >>> [_is_odd_address(host) for host in ("127.1", "0x7f.0.0.1", "1.2.3.4", "h.1a")]
    [True, True, False, False]
    """
    if not host.isascii():  # mapped before the look-up: RFC 5895
        import unicodedata  # noqa: PLC0415 - a megabyte that few lists need

        host = unicodedata.normalize("NFKC", host).replace("\u3002", ".")
    if not _ends_in_number(host.lower()):
        return False
    try:
        IPv4Address(host)
    except ValueError:
        return True
    return False


def host_of(url: str) -> str:
    """
    Return the host and port of a URL that passed `check_url`, in lower case.

    HTTP's own port is left out unless the URL has it; that of HTTPS never is, since
    another server answers there.

    >>> host_of("http://user:secret@H:8080/a"), host_of("http://h"), host_of("https://h")
    ('h:8080', 'h', 'h:443')
    >>> host_of("HTTPS://[::1]:?a/b@c")
    '[::1]:443'
    """
    authority = url.split("/", 3)[2]
    if "?" in authority or "#" in authority:
        authority = re.split("[?#]", authority)[0]
    host = authority.rpartition("@")[2].lower().removesuffix(":")
    has_port = ":" in host.rpartition("]")[2]
    return host if url[4] not in "sS" or has_port else host + HTTPS_PORT


@lru_cache(1_024)  # 15 µs without it, for every connection
def forbidden(address: str, *, allow_private: bool) -> str:
    """
    Return why this address may not be contacted; empty: it may.

    Args:
        address: A numeric IPv4 or IPv6 address.

        allow_private: Whether loopback and private networks are allowed. Where clouds
            keep credentials, and Lambda its Runtime API, never is: link-local
            addresses, and a few others.

    >>> forbidden("93.184.215.14", allow_private=False)
    ''
    >>> forbidden("::ffff:169.254.169.254", allow_private=True)
    '169.254.169.254 is link-local, where a cloud keeps its credentials'
    """
    ip = _innermost(ip_address(address.partition("%")[0]))
    if ip.is_link_local:
        return f"{ip} is link-local, where a cloud keeps its credentials"
    if any(ip in network for network in _METADATA):
        return f"{ip} is where a cloud keeps its credentials"
    reserved = ip.is_reserved and not ip.is_loopback  # ::1 is both
    if ip.is_multicast or ip.is_unspecified or reserved:
        return f"{ip} is not the address of one host"
    is_private = not ip.is_global or any(ip in network for network in _PRIVATE)
    if allow_private or not is_private:
        return ""
    return (
        f"{ip} is not on the public internet; whoever runs the fetcher can set "
        "allow_private"
    )


def connectable(address: str, port: int, *, allow_private: bool) -> str:
    """
    Return why no connection may be made there; empty: it may.

    Besides what is `forbidden`, that is Lambda's Runtime API, wherever it is: through
    it an attacker could take and answer invocations.
    """
    host, _, api_port = os.environ.get(_RUNTIME_API, "").partition(":")
    if str(port) == api_port.partition("/")[0]:
        ip = _innermost(ip_address(address.partition("%")[0]))
        if str(ip) == host or (ip.is_loopback and host == "localhost"):
            return f"{ip}:{port} is Lambda's Runtime API"
    return forbidden(address, allow_private=allow_private)


def guarded_socket(
    *, allow_private: bool
) -> Callable[[tuple[int, int, int, str, tuple[str, int]]], socket.socket]:
    """
    Return a socket factory that checks where each socket is going to connect.

    Its argument is an entry of `socket.getaddrinfo`; it raises `BlockedError`.
    """

    def make(info: tuple[int, int, int, str, tuple[str, int]]) -> socket.socket:
        family, kind, protocol, _, (address, port, *_) = info
        if reason := connectable(address, port, allow_private=allow_private):
            raise BlockedError(reason)
        return socket.socket(family, kind, protocol)

    return make


def _innermost(ip: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """Return the IPv4 address embedded in an IPv6 one, if there is one."""
    if isinstance(ip, IPv4Address):
        return ip
    if ip.ipv4_mapped:
        return ip.ipv4_mapped
    if ip.sixtofour:
        return ip.sixtofour
    if ip.teredo:
        return ip.teredo[1]
    if ip in _NAT64:
        return IPv4Address(int(ip) & 0xFFFFFFFF)
    return ip
