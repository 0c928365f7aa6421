"""Reproducible zips, written and read."""

from __future__ import annotations

import io
import zipfile
from functools import lru_cache
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

Files = dict[str, bytes]  # by their names in the zip

_NOT_RUN = frozenset({".pyc", ".pyi", ".pyx", ".pxd", ".pxi", ".c", ".h", ".hash"})
_NOT_ENTERED = frozenset({"__pycache__", "tests", "test"})
# How it was installed, and from where, does not belong to the code.
_OF_THE_INSTALLATION = frozenset(
    {"RECORD", "INSTALLER", "REQUESTED", "direct_url.json"}
)
_OLDEST_DATE = (1980, 1, 1, 0, 0, 0)  # the first a zip can hold
_PLAIN_FILE = 0o100_644 << 16
_UNIX = 3


def read(paths: Iterable[tuple[str, Path]]) -> Files:
    """Read the files that run, and their licences, by their names in the zip."""
    return {name: path.read_bytes() for name, path in paths if _is_wanted(name)}


def zip_of(files: Files) -> bytes:
    """Return a zip whose bytes depend on names and contents only."""
    return _zip_of(tuple(sorted(files.items())))


@lru_cache(maxsize=1)  # a grid deploys the same files for every run: half a second each
def _zip_of(files: tuple[tuple[str, bytes], ...]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in files:
            entry = zipfile.ZipInfo(name, _OLDEST_DATE)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = _UNIX
            entry.external_attr = _PLAIN_FILE
            # Higher levels take twice as long for a zip a tenth smaller.
            archive.writestr(entry, data, compresslevel=1)
    return buffer.getvalue()


def files_in(zipped: bytes) -> Files:
    """
    Return the files in a zip.

    Raises:
        zipfile.BadZipFile: If it is not a zip, or damaged.
    """
    with zipfile.ZipFile(io.BytesIO(zipped)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def _is_wanted(name: str) -> bool:
    path = PurePosixPath(name)
    return not (
        ".." in path.parts  # a command, outside of site-packages
        or path.suffix in _NOT_RUN
        or path.name in _OF_THE_INSTALLATION
        or _NOT_ENTERED.intersection(path.parts)
    )
