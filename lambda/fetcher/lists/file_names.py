"""Names of files below a folder: safe everywhere, and unique."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from fetcher.s3.urls import SCHEME
from fetcher.security.guard import PLAIN_HOST, PLAIN_PORT
from fetcher.security.masking import MASK, masked

if TYPE_CHECKING:
    from urllib.parse import SplitResult

    from fetcher.contract.source import Item

PART = ".part"  # ends the name of a file that is not whole yet, and of no other
_SHORTENED = 200  # characters; file systems allow 255 bytes, and `.part` must fit

_SAFE = "A-Za-z0-9_~+=@,-"
_UNSAFE = re.compile(rf"[^.{_SAFE}]")

# Nearly all URLs are plain: nothing in them needs escaping or shortening, so the name
# stands in the URL. At most 39 segments keep it below the longest URL that can be sent.
_SEGMENT = rf"[%{_SAFE}][.%{_SAFE}]{{0,{_SHORTENED - 2}}}+(?<!\.part)"
_PLAIN_SEGMENT = _SEGMENT.replace("%", "")
_PLAIN_PATH = f"{_PLAIN_SEGMENT}(?:/{_PLAIN_SEGMENT}){{0,38}}+"
# Any port but those that may be the scheme's own.
_PLAIN_HOST = rf"{PLAIN_HOST}(?<!\.part)(?::(?!0*(?:80|443)/){PLAIN_PORT})?+"
_PLAIN_URL = f"https?://({_PLAIN_HOST}/{_PLAIN_PATH})"
_plain_url = re.compile(_PLAIN_URL).fullmatch
_plain_path = re.compile(_PLAIN_PATH).fullmatch

# Of the others, most have something to escape after a plain host, and no more: neither
# a fragment, which `#` begins, nor a query that is empty.
_everyday_url = re.compile(
    rf"https?://({_PLAIN_HOST})/([!-\"$-~]*[!-\"$->@-~])"
).fullmatch
_everyday_path = re.compile(f"{_SEGMENT}(?:/{_SEGMENT})*+").fullmatch
_DEFAULT_PORTS = {"http": 80, "https": 443}
_HOST = "//h/"
_UNSAFE_IN_PATH = re.compile(rf"[^./{_SAFE}]")
_ESCAPED = {chr(code): f"%{code:02X}" for code in range(128)}


def name_of(item: Item) -> str:
    """
    Return the file's name below the folder: the destination, else host and path.

    The same item always gets the same name, so that running a list again replaces
    files instead of adding to them. Different destinations get different names, and
    so do URLs that differ in more than scheme, default port, credentials or fragment.
    Other secrets in a URL are not part of its name, but still make it differ.

    >>> from fetcher.contract.source import Item
    >>> name_of(Item(0, "http://h:8080/a%20b/c.jpg?size=2"))
    'h+8080/a%2520b/c.jpg%3Fsize=2'
    >>> name_of(Item(0, "http://h/x", destination="cats/../1.jpg"))
    'cats/%2E%2E/1.jpg'
    """
    if not item.destination:
        if plain := _plain_url(item.url):
            return plain[1].replace(":", "+")
        return _everyday_name(item.url) or _joined(_parts(item.url))
    if _plain_path(item.destination):
        return item.destination
    return _joined(item.destination.split("/"))


def _everyday_name(url: str) -> str:
    """Return the name of a URL that is nearly plain; empty: it is not."""
    if everyday := _everyday_url(url):
        if MASK in _masked_path(everyday[2]):
            return ""
        path = _UNSAFE_IN_PATH.sub(lambda sign: _ESCAPED[sign[0]], everyday[2])
        if _everyday_path(path):
            return f"{everyday[1].replace(':', '+')}/{path}"
    return ""


def _parts(url: str) -> list[str]:
    if url.startswith(SCHEME):  # nothing in a key has a meaning
        return url.removeprefix(SCHEME).split("/")
    host, path = host_and_path(urlsplit(url))
    masked_path = _masked_path(path)
    if MASK in masked_path:  # masked, or spelled like that in another URL
        masked_path = f"{masked_path}~{digest_of(path)}"
    return [host, *masked_path.split("/")]


def host_and_path(parts: SplitResult) -> tuple[str, str]:
    """
    Return what distinguishes an HTTP URL.

    That is its host, with any port but the scheme's own after a plus, and its path with
    the query.

    >>> host_and_path(urlsplit("http://me:pw@h:80/a?b#c"))
    ('h', 'a?b')
    """
    host = parts.netloc.rpartition("@")[2]
    if parts.port and parts.port == _DEFAULT_PORTS.get(parts.scheme):
        host = host.rpartition(":")[0]
    path = parts.path.removeprefix("/") + (f"?{parts.query}" if parts.query else "")
    return host.replace(":", "+"), path


def _masked_path(path: str) -> str:
    """Return a path masked as behind its host: `a:b@c` is no password there."""
    return masked(f"{_HOST}{path}").removeprefix(_HOST)


def _joined(parts: list[str]) -> str:
    return "/".join(map(segment, parts))


def segment(text: str) -> str:
    """Return a path segment that is safe everywhere, and unlike any other's."""
    if not text or text.strip(".") == "":
        return text.replace(".", "%2E") or "%"
    safe = _UNSAFE.sub(_escaped, text)
    if safe.endswith(PART):
        safe = safe.removesuffix(PART) + "%2Epart"
    if len(safe) >= _SHORTENED:  # and no name that was not shortened is as long
        safe = f"{safe[: _SHORTENED - 17]}~{digest_of(text)}"
    return safe


def digest_of(text: str) -> str:
    """Return 16 hex digits that hardly any other text has."""
    import hashlib  # noqa: PLC0415 - loads OpenSSL: 4 MB that hardly any list needs

    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:16]


def _escaped(match: re.Match[str]) -> str:
    return "".join(
        f"%{byte:02X}" for byte in match.group().encode(errors="surrogatepass")
    )
