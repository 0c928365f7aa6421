"""The extension that a body's file gets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fetcher.transfer.content.file_types import kept_type, plain

if TYPE_CHECKING:
    from fetcher.contract.download_results import Download
    from fetcher.contract.source import Item

_UNKNOWN = "bin"
_LONGEST_EXTENSION = 8
# Of many kinds of files, all that the bytes tell; a URL may tell more.
_VAGUE = frozenset(
    {
        *("application/gzip", "application/zip", "text/plain", "text/xml"),
        *("video/mp4", "video/webm"),
    }
)
_EXTENSIONS = {  # of types that are common on the web
    "application/gzip": "gz",
    "application/json": "json",
    "application/pdf": "pdf",
    "application/xml": "xml",
    "application/zip": "zip",
    "audio/mpeg": "mp3",
    "audio/wav": "wav",
    "image/avif": "avif",
    "image/bmp": "bmp",
    "image/gif": "gif",
    "image/heic": "heic",
    "image/jpeg": "jpg",
    "image/jxl": "jxl",
    "image/png": "png",
    "image/svg+xml": "svg",
    "image/tiff": "tiff",
    "image/vnd.microsoft.icon": "ico",
    "image/webp": "webp",
    "text/csv": "csv",
    "text/html": "html",
    "text/plain": "txt",
    "video/mp4": "mp4",
    "video/webm": "webm",
}


def extension_of(item: Item, download: Download) -> str:
    """
    Return the extension for a body: its type's, or else its URL's, or else ``bin``.

    >>> from fetcher.contract.outcome import Outcome
    >>> from fetcher.contract.download_results import Download
    >>> from fetcher.contract.source import Item
    >>> sent = Download(Outcome.OK, content_type="image/jpeg; q=1")
    >>> extension_of(Item(0, "http://h/a.php?b=c.d"), sent)
    'jpg'
    >>> extension_of(Item(0, "http://h/a.tar.GZ?b"), Download(Outcome.OK))
    'gz'
    >>> extension_of(Item(0, "http://h.com"), Download(Outcome.OK))
    'bin'
    """
    told = download.content_type
    kind = plain(kept_type(told, download.found_type))
    own = _own(item.destination or path_in(item.url))
    if kind in _VAGUE and kind != plain(told) and own != _UNKNOWN:
        return own
    return _EXTENSIONS.get(kind, own)


def path_in(url: str) -> str:
    """Return the path of a URL, without the slash it begins with."""
    _, _, path = url.partition("://")[2].partition("/")
    return path.partition("?")[0].partition("#")[0]


def _own(name: str) -> str:
    stem, dot, extension = name.rpartition("/")[2].rpartition(".")
    is_plain = extension.isascii() and extension.isalnum()
    if stem and dot and is_plain and len(extension) <= _LONGEST_EXTENSION:
        return extension.lower()
    return _UNKNOWN
