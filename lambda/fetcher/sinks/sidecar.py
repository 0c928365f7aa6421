"""The sidecar of a body: JSON about it; and the extension that its name gets."""

from __future__ import annotations

from json.encoder import encode_basestring_ascii as quoted
from typing import TYPE_CHECKING

from fetcher.contract.carried import carried_fields
from fetcher.security.masking import masked
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


def fields_of(
    item: Item, size: int, download: Download, *, with_row: bool = True
) -> str:
    """Return what is said of a body beside it: JSON without its braces."""
    told, found, sha256 = download[3:6]
    row = f'"row": {item.row}, ' if with_row else ""
    fields = (
        f'{row}"url": {quoted(masked(item.url))}, "status": {download.status}, '
        f'"bytes": {size}'
    )
    if told:
        fields += f', "content_type": {quoted(told)}'
    if found:
        fields += f', "found_type": "{found}"'
    if download.width:
        fields += f', "width": {download.width}, "height": {download.height}'
    if item.destination:
        fields += f', "destination": {quoted(item.destination)}'
    if digest := sha256 or item.sha256.lower():
        fields += f', "sha256": "{digest}"'
    return fields + carried_fields(item)


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
