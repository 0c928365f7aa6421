"""
Sink of objects in S3, one a body, each under a key that depends on its name alone.

A bucket takes 3,500 writes a second for each prefix that S3 distinguishes, and it comes
to distinguish those that are written to. So a key begins with one of 256 prefixes, a
hash of the rest. Writes that S3 is too busy for are repeated a little later.
https://docs.aws.amazon.com/AmazonS3/latest/userguide/optimizing-performance.html
"""

from __future__ import annotations

import zlib
from collections import deque
from contextlib import closing
from functools import partial
from threading import Lock
from time import monotonic
from typing import TYPE_CHECKING

from fetcher.contract.download_results import Download
from fetcher.contract.outcome import Outcome
from fetcher.lists.compact_hash_map import CompactHashMap
from fetcher.lists.file_names import name_of
from fetcher.s3.connection import Connection
from fetcher.s3.errors import S3Error
from fetcher.s3.listing import pages_below, sizes_below
from fetcher.s3.scratch_files import Files
from fetcher.s3.senders import Senders
from fetcher.sinks.resumable_sink import ResumableSink
from fetcher.sinks.spooled_body import SpooledBody, lost
from fetcher.transfer.content.file_types import kept_type
from fetcher.transfer.sink import WHOLE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fetcher.contract.source import Item
    from fetcher.s3.credentials import S3Credentials
    from fetcher.s3.scratch_files import Part
    from fetcher.s3.urls import Place
    from fetcher.sinks.resumable_sink import KnownPositions

# Each takes a descriptor, and another for a file, of the few kept back from downloads.
_SENDERS = 20
_FULL_BYTES = 32 * 2**20  # on their way
_FULL_MANY = 16 * _SENDERS
_FIRST_LOOK_S = 2.0  # at most; used up if the bucket may not be listed


def object_of(prefix: Place, item: Item) -> Place:
    """
    Return the object that holds an item's body.

    Raises:
        ValueError: If the key would be too long.

    >>> from fetcher.s3.urls import Place
    >>> from fetcher.contract.source import Item
    >>> str(object_of(Place("photos", "kept"), Item(0, "http://h/1.jpg")))
    's3://photos/kept/df/h/1.jpg'
    """
    name = name_of(item)
    return prefix.below(f"{zlib.crc32(name.encode()) & 0xFF:02x}/{name}")


class S3Objects(ResumableSink):
    """Sink that writes each body to its own object; all must be safe by `until`."""

    settles = True

    def __init__(self, prefix: Place, credentials: S3Credentials, until: float) -> None:
        self._prefix = prefix
        self.until = until
        self._files = Files()
        self._senders = Senders(credentials, _SENDERS)
        self._lock = Lock()
        self._waiting: set[int] = set()  # numbers, of what is not safe yet
        self._lost: dict[int, Download] = {}
        self._settled: deque[int] = deque()  # numbers
        self._hopeless: S3Error | None = None
        self._has_taken = False  # any body
        self._denials = 0
        self._credentials = credentials
        self._sizes: CompactHashMap | None = None  # of objects, by hashes of paths

    def key_of(self, item: Item) -> str:
        """Return the object's place; empty: it would have none."""
        try:
            return str(object_of(self._prefix, item))
        except ValueError:
            return ""

    def key_at(self, path: str) -> str:
        """Return the path, if it is below the prefix."""
        return path if path.startswith(str(self._prefix.below(""))) else ""

    def holds(self, path: str, size: int) -> bool:
        """Tell whether there is such an object; the first time, all are listed."""
        if self._sizes is None:
            self._sizes = self._listed()
        return self._sizes.get(hash(path)) == size

    def _listed(self) -> CompactHashMap:
        sizes, bucket = CompactHashMap("q"), self._prefix._replace(key="")
        with closing(Connection(self._credentials)) as connection:
            below = self._prefix.below("")
            for key, size in sizes_below(connection, below, self.until):
                sizes.put(hash(f"{bucket}{key}"), size)
        return sizes

    def begin(self, kept: KnownPositions) -> None:
        """
        Look whether the bucket is there; it need not be listable.

        Raises:
            S3Error: If it is not there, or somewhere else, or the credentials are void.
        """
        del kept
        until = min(self.until, monotonic() + _FIRST_LOOK_S)
        with closing(Connection(self._credentials)) as connection:
            try:
                next(pages_below(connection, self._prefix.below(""), until))
            except S3Error as error:
                if error.is_hopeless and not error.is_denied:
                    raise

    @property
    def is_full(self) -> bool:
        """Whether S3 takes less than is downloaded."""
        return (
            self._senders.pending_bytes >= _FULL_BYTES
            or self._senders.pending_files >= _SENDERS
            or len(self._waiting) >= _FULL_MANY
        )

    def keep(
        self, item: Item, parts: Sequence[bytes], download: Download = WHOLE
    ) -> str:
        """Begin to send a body; `OSError` if that cannot succeed."""
        return self._send(item, b"".join(parts), download)

    def open(self, item: Item) -> SpooledBody:
        """Make room for a body that arrives in pieces."""
        self._check()
        return SpooledBody(self._files, partial(self._send, item))

    def _send(self, item: Item, body: bytes | Part, download: Download) -> str:
        self._check()
        try:
            place = object_of(self._prefix, item)
        except ValueError as error:
            raise OSError(str(error)) from error
        kind = kept_type(download.content_type, download.found_type)
        headers = (
            {"content-type": kind} if kind.isascii() and kind.isprintable() else {}
        )
        number = item.number

        def send(connection: Connection) -> None:
            try:
                connection.request(
                    "PUT", place, headers=headers, body=body, until=self.until
                )
            except S3Error as error:
                self._lose(number, error)
            else:
                self._has_taken = True
            finally:
                with self._lock:
                    self._waiting.discard(number)
            self._settled.append(number)

        with self._lock:
            self._waiting.add(number)
        self._senders.submit(send, body)
        return str(place)

    def settled(self) -> dict[int, Download | None]:
        """Return what has been settled since this was asked last."""
        numbers = [self._settled.popleft() for _ in range(len(self._settled))]
        return {number: self._lost.pop(number, None) for number in numbers}

    def settle(self) -> dict[int, Download]:
        """Wait until all has been sent; say what was not."""
        self._senders.wait(self.until)
        late = Download(Outcome.UNSTARTED, detail="S3 had not taken it at the deadline")
        with self._lock:
            return dict.fromkeys(self._waiting, late) | self._lost

    def close(self) -> None:
        """Abort what is in flight."""
        self._senders.close()
        self._files.close()

    def _check(self) -> None:
        if self._hopeless and not (self._hopeless.is_denied and self._has_taken):
            raise self._hopeless.with_traceback(None)  # it would grow

    def _lose(self, number: int, error: S3Error) -> None:
        with self._lock:
            self._lost[number] = lost(error, "body")
            if error.is_denied:  # maybe to this key alone
                self._denials += 1
                if self._denials >= _SENDERS:
                    self._hopeless = self._hopeless or error
            elif error.is_hopeless:
                self._hopeless = error
