"""libcurl handles with the options that every download needs."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pycurl

from fetcher.transfer.content.inflate import ACCEPTED

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterable

    from fetcher.contract.options import Options

_BUFFER_BYTES = 131_072  # twice that is 2 % quicker, and takes 10 MB more
_MAX_LENGTH = 2**62  # libcurl ignores a larger Content-Length
# Since libcurl was given an address: more than downloads take, so that the end of one
# drops none that was given meanwhile; less than `FirstConnections` keeps a host.
_OLD_S = 200
_FOREVER = -1


def configured(options: Options, user_agent: str) -> pycurl.Curl:
    """Return a new handle that lacks only its callbacks and a URL."""
    handle = pycurl.Curl()
    set_ = handle.setopt
    set_(pycurl.USERAGENT, user_agent)
    encoding = ACCEPTED if options.compressed else "identity"
    set_(pycurl.ACCEPT_ENCODING, encoding)  # libcurl undoes others, too: see `Head`
    set_(pycurl.MAXFILESIZE_LARGE, _MAX_LENGTH)
    set_(pycurl.PROTOCOLS, pycurl.PROTO_HTTP | pycurl.PROTO_HTTPS)
    set_(pycurl.PROXY, "")  # the guard must see the address connected to
    set_(pycurl.PATH_AS_IS, 1)  # encoding the URL anew would break signed ones
    set_(pycurl.NOSIGNAL, 1)
    set_(pycurl.BUFFERSIZE, _BUFFER_BYTES)
    drop_old_addresses(handle, is_on=False)
    return handle


def drop_old_addresses(handle: pycurl.Curl, *, is_on: bool) -> None:
    """
    Choose whether the end of a transfer drops old addresses from the shared cache.

    libcurl looks at all of them then. With 20,000 hosts, two fifths of the CPU went
    there when every transfer did so.
    """
    handle.setopt(pycurl.DNS_CACHE_TIMEOUT, _OLD_S if is_on else _FOREVER)


def trust_system_certificates(handle: pycurl.Curl) -> None:
    """
    Prepare a handle for HTTPS with the certificates that Python would use.

    pycurl ships none. How they are checked: see `fetcher.security.trust`.
    """
    import ssl  # noqa: PLC0415 - loads a second OpenSSL, which plain HTTP can do without

    paths = ssl.get_default_verify_paths()
    if paths.cafile:
        handle.setopt(pycurl.CAINFO, paths.cafile)
    if paths.capath:
        handle.setopt(pycurl.CAPATH, paths.capath)


def resolve_option(hostname: str, port: int, addresses: Iterable[str]) -> str:
    """
    Return an entry of the option RESOLVE: libcurl keeps it for a while.

    >>> resolve_option("h", 80, ["192.0.2.1", "2001:db8::1"])
    '+h:80:192.0.2.1,[2001:db8::1]'
    """
    numeric = (f"[{ip}]" if ":" in ip else ip for ip in addresses)
    return f"+{hostname}:{port}:{','.join(numeric)}"


class SocketHandle:
    """A new socket for pycurl, which duplicates its descriptor, then drops it."""

    def __init__(self, opened: socket.socket) -> None:
        self._socket = opened
        os.close(os.dup(self.fileno()))  # fails here, for pycurl would hide it

    def fileno(self) -> int:
        """Return the descriptor."""
        return self._socket.fileno()

    def __del__(self) -> None:
        self._socket.close()
