"""Bodies become files below one folder, each under its name only once whole."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import re
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from fetcher.source import Item

_PART = ".part"
_SHORTENED = 200  # characters; file systems allow 255 bytes, and `.part` must fit
_UNSAFE = re.compile(r"[^A-Za-z0-9._~+=@,-]")
_FOLDERS_REMEMBERED = 4_096
_SCRATCH = "fetcher-shard-"


class Directory:
    """
    A sink that writes each body aside and renames it when it is whole.

    Args:
        folder: Created if missing. Nothing is ever written outside it.

    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = str(folder)
        self._made: set[str] = set()

    def open(self, item: Item) -> _File:
        """Open the file aside from its final name."""
        path = f"{self._folder}/{name_of(item)}"
        parent = path[: path.rindex("/")]
        if parent not in self._made:
            Path(parent).mkdir(parents=True, exist_ok=True)
            if len(self._made) >= _FOLDERS_REMEMBERED:
                self._made.clear()
            self._made.add(parent)
        return _File(path)

    def close(self) -> None:
        """Do nothing: the files stay, and none is open."""


class Scratch(Directory):
    """
    A directory in temporary storage, ``/tmp`` on Lambda, that goes with `close`.

    Leftovers of shards that were killed in this environment go first: they would
    take up the room of this one. A lock, which dies with its process, tells them
    from the folders of shards still at work.
    """

    def __init__(self) -> None:
        here = Path(tempfile.gettempdir())
        for old in here.glob(f"{_SCRATCH}*"):
            with contextlib.suppress(OSError):  # locked, or another user's
                os.close(_locked(old))
                shutil.rmtree(old)
        new = Path(tempfile.mkdtemp(prefix="fetcher-"))
        self._lock = _locked(new)
        super().__init__(new.rename(here / f"{_SCRATCH}{new.name}"))

    def close(self) -> None:
        """Remove the folder; what cannot be removed now, the next one tries to."""
        shutil.rmtree(self._folder, ignore_errors=True)
        os.close(self._lock)


def _locked(folder: Path) -> int:
    """Return a descriptor that holds the folder's lock; `OSError` if another does."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


class _File:
    def __init__(self, path: str) -> None:
        self._path = path
        self._aside = path + _PART
        self._file: BinaryIO = open(self._aside, "wb", buffering=0)  # noqa: PTH123, SIM115 - closed by commit or discard

    def write(self, chunk: bytes) -> None:
        rest = memoryview(chunk)
        while rest:  # a nearly full disk takes a part of what it is given
            rest = rest[self._file.write(rest) :]

    def commit(self) -> str:
        self._file.close()
        os.replace(self._aside, self._path)  # noqa: PTH105 - a path object a file is dear
        return self._path

    def discard(self) -> None:
        self._file.close()
        with contextlib.suppress(OSError):  # there is nobody left to tell
            os.unlink(self._aside)  # noqa: PTH108 - a path object a file is dear


def name_of(item: Item) -> str:
    """
    Return the file's name below the folder: the destination, else host and path.

    The same item always gets the same name, so that running a list again replaces
    files instead of adding to them. Different destinations get different names, and
    so do URLs that differ in more than scheme, credentials or fragment.

    >>> from fetcher.source import Item
    >>> name_of(Item(0, "http://h:8080/a%20b/c.jpg?size=2"))
    'h+8080/a%2520b/c.jpg%3Fsize=2'
    >>> name_of(Item(0, "http://h/x", destination="cats/../1.jpg"))
    'cats/%2E%2E/1.jpg'
    """
    if item.destination:
        parts = item.destination.split("/")
    else:
        url = urlsplit(item.url)
        host = url.netloc.rpartition("@")[2].replace(":", "+")
        path = url.path.removeprefix("/") + (f"?{url.query}" if url.query else "")
        parts = [host, *path.split("/")]
    return "/".join(map(_segment, parts))


def _segment(text: str) -> str:
    """Return one path segment that is safe everywhere, told apart from any other."""
    if not text or text.strip(".") == "":
        return text.replace(".", "%2E") or "%"
    safe = _UNSAFE.sub(_escaped, text)
    if safe.endswith(_PART):
        safe = safe.removesuffix(_PART) + "%2Epart"
    if len(safe) >= _SHORTENED:  # and no name that was not shortened is as long
        digest = hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:16]
        safe = f"{safe[: _SHORTENED - 17]}~{digest}"
    return safe


def _escaped(match: re.Match[str]) -> str:
    return "".join(
        f"%{byte:02X}" for byte in match.group().encode(errors="surrogatepass")
    )
