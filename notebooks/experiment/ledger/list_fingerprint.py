"""The fingerprint of a list of URLs, to recognise it when a run is resumed."""

from __future__ import annotations

import os
import zlib
from collections import Counter
from contextlib import closing
from pathlib import Path
from time import monotonic

from fetcher.lists.files.inputs import files_of
from fetcher.s3.connection import Connection
from fetcher.s3.credentials import S3Credentials
from fetcher.s3.urls import SCHEME, place_of

_WHOLE_BYTES = 512 * 2**20  # of a larger file only both ends are read
_AT_ONCE = 2**20
_END_BYTES = 65_536
_ANSWERED_WITHIN_S = 60.0


def fingerprint(name: str) -> dict[str, int]:
    """
    Return what identifies a list: the size and checksum of its file.

    Of a file too long to read, the checksum is of both ends, and the time of its last
    change is added; of an object in S3 it is of its ETag. Of several files, sizes and
    checksums are added up.

    Raises:
        OSError: If it cannot be read.
    """
    if name.startswith(SCHEME):
        return _of_object(name)
    found: Counter[str] = Counter()
    for place, path in enumerate(map(Path, files_of([name])), 1):
        found.update({what: place * n for what, n in _of_file(path).items()})
    return dict(found)


def _of_object(url: str) -> dict[str, int]:
    with closing(Connection(S3Credentials.from_environment())) as connection:
        until = monotonic() + _ANSWERED_WITHIN_S
        headers = connection.request("HEAD", place_of(url), until=until).headers
    etag = headers["etag"].encode()
    return {"bytes": int(headers["content-length"]), "crc32": zlib.crc32(etag)}


def _of_file(path: Path) -> dict[str, int]:
    status = path.stat()
    found = {"bytes": status.st_size}
    with path.open("rb") as file:
        if status.st_size <= _WHOLE_BYTES:
            crc = 0
            while block := file.read(_AT_ONCE):
                crc = zlib.crc32(block, crc)
            return found | {"crc32": crc}
        ends = file.read(_END_BYTES)
        file.seek(-_END_BYTES, os.SEEK_END)
        ends += file.read()
    return found | {"crc32_of_ends": zlib.crc32(ends), "mtime_ns": status.st_mtime_ns}
