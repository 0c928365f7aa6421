"""
Layouts of a folder: the name that each body gets below it.

A name of the row's own is kept by all of them, in ``flat`` and ``hash`` without
folders. Other names depend on the URL and the body's type alone, so the same URL has
the same name in every run.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Protocol

from fetcher.lists.file_names import PART, digest_of, name_of, segment
from fetcher.security.masking import masked
from fetcher.sinks.file_extension import extension_of, path_in

if TYPE_CHECKING:
    from fetcher.contract.download_results import Download
    from fetcher.contract.source import Item

_READABLE = 80  # characters, of the last part of a URL
_MARK = re.compile(r"~([0-9a-f]{16})(?:\.[A-Za-z0-9]+)?$")
# Files in a folder on average: then chance puts more than 1,000 into none.
_AVERAGE = 400
_FANS = 256


class Layout(Protocol):
    """The names of bodies below a folder."""

    def stem(self, item: Item) -> str:
        """Return the name but for its ending, which may need the body's type."""

    def ending(self, item: Item, download: Download) -> str:
        """Return the rest of the name."""

    def key(self, name: str) -> str:
        """Return what no other body's names have; of a stem, or of a whole name."""


class ByHost:
    """Bodies below their hosts, in the folders of their URLs."""

    stem = staticmethod(name_of)  # the whole name

    def ending(self, item: Item, download: Download) -> str:  # noqa: ARG002
        """Return nothing: the URL names it."""
        return ""

    def key(self, name: str) -> str:
        """Return the name."""
        return name


class Flat:
    """
    Bodies in one folder: the last part of the URL, a digest of all of it, the type.

    >>> from fetcher.contract.source import Item
    >>> Flat().stem(Item(0, "http://h/a/cat.jpg?b=1"))
    'cat~f9c04c86486120dc'
    >>> Flat().stem(Item(0, "http://h/a/cat.jpg", "pets/1.jpg"))
    'pets%2F1.jpg'
    """

    def stem(self, item: Item) -> str:
        """Return the name but for its ending."""
        if item.destination:
            # So that no other body's name has a digest at its end.
            return _MARK.sub(_escaped, segment(item.destination))
        return f"{_readable(item.url)}~{digest_of(name_of(item))}"

    def ending(self, item: Item, download: Download) -> str:
        """Return a dot and the extension, unless the row names it whole."""
        if item.destination:
            return ""
        extension = extension_of(item, download)
        return ".bin" if f".{extension}" == PART else f".{extension}"

    def key(self, name: str) -> str:
        """Return the digest, or else the name."""
        return "" if "/" in name else _key(name)


class Hashed(Flat):
    """
    Bodies as in `Flat`, in folders by a hash of their names.

    A folder has at most 1,000, as long as there are no more bodies than `count`.

    >>> from fetcher.contract.source import Item
    >>> Hashed(1_000_000).stem(Item(0, "http://h/a/cat.jpg?b=1"))
    'f9/c0/cat~f9c04c86486120dc'
    """

    def __init__(self, count: int) -> None:
        self._levels = 1
        while count > _AVERAGE * _FANS**self._levels:
            self._levels += 1

    def stem(self, item: Item) -> str:
        """Return the folders, and the name but for its ending."""
        digest = digest_of(name_of(item))
        folders = (digest[at : at + 2] for at in range(0, 2 * self._levels, 2))
        return "/".join((*folders, super().stem(item)))

    def key(self, name: str) -> str:
        """Return the digest, or else the name; longer lists have more folders."""
        folders, slash, last = name.rpartition("/")
        return _key(last) if slash and folders else ""


def layout_of(name: str, count: int) -> Layout:
    """Return the layout of this name, for so many bodies."""
    if name == "hash":
        return Hashed(count)
    return Flat() if name == "flat" else ByHost()


def _key(name: str) -> str:
    found = _MARK.search(name)
    return found[1] if found else name


def _escaped(mark: re.Match[str]) -> str:
    return mark[0].replace("~", "%7E")


def _readable(url: str) -> str:
    """Return the last part of a URL without its extension, safe as a file's name."""
    path = masked(path_in(url)).rstrip("/")
    last = path.rpartition("/")[2]
    return segment(last.rpartition(".")[0] or last or "index")[:_READABLE]
