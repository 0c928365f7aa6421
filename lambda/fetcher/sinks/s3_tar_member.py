"""
Members of a tar in WebDataset's format: a body, and a JSON beside it.

The part of a name before the first dot is the key that both share; keys are the files'
numbers, so no two are alike. Headers are POSIX ustar's, as `tarfile` writes them, in a
tenth of its time. https://github.com/webdataset/webdataset#the-webdataset-format
"""

from __future__ import annotations

import errno
from json.encoder import encode_basestring_ascii as quoted
from typing import TYPE_CHECKING, NamedTuple

from fetcher.security.masking import masked

if TYPE_CHECKING:
    from fetcher.contract.source import Item

BLOCK = 512
END = bytes(2 * BLOCK)

_MOST_BYTES = 8**11 - 1  # eleven octal digits
_OWNER = b"0000644\0" + b"0000000\0" * 2
_MODIFIED = b"00000000000\0"
_REST = b"0".ljust(101, b"\0") + b"ustar\00000"
_REST += bytes(BLOCK - 100 - len(_OWNER) - 12 - len(_MODIFIED) - 8 - len(_REST))
# Of all bytes but name, size and the checksum itself, which counts as eight spaces.
_SUM = sum(_OWNER) + sum(_MODIFIED) + sum(_REST) + 8 * ord(" ")

_LONGEST_EXTENSION = 8
_EXTENSIONS = {  # of types that are common on the web
    "application/gzip": "gz",
    "application/json": "json",
    "application/pdf": "pdf",
    "application/xml": "xml",
    "application/zip": "zip",
    "audio/mpeg": "mp3",
    "audio/wav": "wav",
    "image/avif": "avif",
    "image/gif": "gif",
    "image/jpeg": "jpg",
    "image/jpg": "jpg",
    "image/png": "png",
    "image/svg+xml": "svg",
    "image/tiff": "tiff",
    "image/webp": "webp",
    "text/csv": "csv",
    "text/html": "html",
    "text/plain": "txt",
    "video/mp4": "mp4",
    "video/webm": "webm",
}


class Member(NamedTuple):
    """
    A file, but for the bytes of its body.

    Attributes:
        name: Of the body.

        head: Comes before it.

        tail: Comes after it: padding, and the JSON with a head and padding of its own.

        fields: The JSON, without its braces.
    """

    name: str
    head: bytes
    tail: bytes
    fields: str


def member_of(item: Item, size: int, kind: str) -> Member:
    """
    Return the member for a body.

    Args:
        item: What it is the body of.

        size: In bytes.

        kind: Its Content-Type; empty: none was given.

    Raises:
        OSError: If it is too large for a header.

    >>> from fetcher.contract.source import Item
    >>> member_of(Item(7, "http://h/a.png"), 5, "").name
    '000000007.png'
    """
    if size > _MOST_BYTES:
        msg = f"the body has {size:,} bytes; a tar's header can say {_MOST_BYTES:,}"
        raise OSError(errno.EFBIG, msg)
    key = f"{item.number:09}"
    fields = f'"url": {quoted(masked(item.url))}, "status": 200, "bytes": {size}'
    if kind:
        fields += f', "content_type": {quoted(kind)}'
    if item.destination:
        fields += f', "destination": {quoted(item.destination)}'
    if item.sha256:
        fields += f', "sha256": {quoted(item.sha256.lower())}'
    name = f"{key}.{extension_of(item, kind)}"
    beside = b"{%b}" % fields.encode("ascii")
    tail = b"".join(
        (
            bytes(-size % BLOCK),
            header(f"{key}.json", len(beside)),
            beside,
            bytes(-len(beside) % BLOCK),
        )
    )
    return Member(name, header(name, size), tail, fields)


def header(name: str, size: int) -> bytes:
    """Return the header block of a file."""
    raw, digits = name.encode("ascii"), b"%011o" % size
    check = b"%06o\0 " % (_SUM + sum(raw) + sum(digits))
    return b"".join(
        (raw.ljust(100, b"\0"), _OWNER, digits, b"\0", _MODIFIED, check, _REST)
    )


def extension_of(item: Item, kind: str) -> str:
    """
    Return the extension for a body: its type's, or else its URL's, or else ``bin``.

    It is never that of the JSON beside the body.

    >>> from fetcher.contract.source import Item
    >>> extension_of(Item(0, "http://h/a.php?b=c.d"), "image/jpeg; q=1")
    'jpg'
    >>> extension_of(Item(0, "http://h/a.tar.GZ?b"), "")
    'gz'
    >>> extension_of(Item(0, "http://h.com"), "")
    'bin'
    >>> extension_of(Item(0, "http://h/a.json"), "")
    'body.json'
    """
    plain = kind.partition(";")[0].strip().lower() if kind else ""
    found = _EXTENSIONS.get(plain) or _own(item.destination or _path_of(item.url))
    return "body.json" if found == "json" else found


def _path_of(url: str) -> str:
    _, _, path = url.partition("://")[2].partition("/")
    return path.partition("?")[0].partition("#")[0]


def _own(name: str) -> str:
    stem, dot, extension = name.rpartition("/")[2].rpartition(".")
    plain = extension.isascii() and extension.isalnum()
    if stem and dot and plain and len(extension) <= _LONGEST_EXTENSION:
        return extension.lower()
    return "bin"
