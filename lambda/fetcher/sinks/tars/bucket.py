"""
Sink of tars in S3: shards below a prefix, with their indices.

An object cannot be appended to, and is there only once it is whole. So rows are settled
a tar at a time, and what a kill leaves of a tar is fetched again. A tar that was
completed, but not reported, is found by its index, which says all that a report would.
"""

from __future__ import annotations

import fcntl
import json
import logging
import os
import re
import tempfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from functools import partial
from threading import Lock
from typing import TYPE_CHECKING

from fetcher.s3.connection import Connection
from fetcher.s3.errors import S3Error
from fetcher.s3.listing import sizes_below, uploads_below
from fetcher.s3.scratch_files import Files
from fetcher.s3.upload import abort
from fetcher.sinks.spooled_body import SpooledBody
from fetcher.sinks.tars.contents import Contents, found_again
from fetcher.sinks.tars.local import MOST_BYTES, MOST_FILES
from fetcher.sinks.tars.member import BLOCK
from fetcher.sinks.tars.s3_tar import S3Tar
from fetcher.sinks.tars.s3_tar_index import INDEX, TAR, index_of, rows_in
from fetcher.sinks.tars.tar_reading import Found
from fetcher.sinks.tars.tars_sink import TarsSink
from fetcher.transfer.sink import WHOLE

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from concurrent.futures import Future

    from fetcher.contract.download_results import Download
    from fetcher.contract.source import Item
    from fetcher.s3.credentials import S3Credentials
    from fetcher.s3.scratch_files import Part
    from fetcher.s3.urls import Place
    from fetcher.sinks.resumable_sink import ItemsIn, KnownPositions

_COMPLETING_S = 60.0  # at most, for the last tars, once their downloads have ended
_ENDING = 2  # tars at most whose last parts are on their way, before downloads wait
_OURS = re.compile(rf"(\d{{5,}})({re.escape(TAR)}|{re.escape(INDEX)})")
_log = logging.getLogger(__name__)


class BucketTars(TarsSink):
    """
    Sink that appends each body to a tar, with what is known of it beside it.

    Each process has tars of its own: ``00000.tar`` and so on, each with its index
    ``00000.jsonl``.

    Args:
        prefix: Where they are; what lies deeper is not looked at.

        until: When the last download has ended, on the monotonic clock; tars have a
            minute more to be completed.
    """

    settles = True

    def __init__(self, prefix: Place, credentials: S3Credentials, until: float) -> None:
        self._prefix = prefix
        self._credentials = credentials
        self.until = until
        self._files = Files()
        self._there: Contents | None = None
        self._unlisted: list[Place] = []  # tars without an index
        self._taken: set[int] = set()  # numbers of tars and indices
        self._count = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115 - closed below
        self._tar: S3Tar | None = None
        self._ending: list[Future[None]] = []
        self._pool = ThreadPoolExecutor(_ENDING)
        self._lock = Lock()
        self._ends: dict[int, Download | None] = {}  # by number, until asked for

    def _is_ours(self, tar: str) -> bool:
        name = tar.rpartition("/")[2]
        return bool(_OURS.fullmatch(name)) and tar == str(self._prefix.below(name))

    def _contents(self) -> Contents:
        """Return what is in the tars; the first time, all are looked into."""
        if self._there is None:
            with closing(Connection(self._credentials)) as connection:
                self._there = self._look(connection)
        return self._there

    def _look(self, connection: Connection) -> Contents:
        """Read the index of each tar, or the tar itself where a kill left none."""
        found, beside = Contents(), self._prefix.below("")
        keys = dict(sizes_below(connection, beside, self.until, "/"))
        for key in keys:
            name = _OURS.fullmatch(key.rpartition("/")[2])
            if not name:
                continue
            self._taken.add(int(name[1]))
            if name[2] != TAR:
                continue
            tar = self._prefix._replace(key=key)
            try:
                rows = list(rows_in(connection, tar, self.until))
                members = (
                    Found(row["key"], row["offset"], row["size"]) for row in rows
                )
                found.add(str(tar), members)
            except (ValueError, KeyError, TypeError) as error:
                msg = f"{tar} was not written by this command. Name another prefix."
                raise ValueError(msg) from error
            if index_of(tar).key not in keys:
                self._unlisted.append(tar)
        return found

    def unreported(
        self, items_in: ItemsIn, kept: KnownPositions
    ) -> Iterator[tuple[Item, Download]]:
        """Yield items that are in a tar with the same URL, and were not reported."""
        tars = self._contents().others(kept)
        with closing(Connection(self._credentials)) as connection:
            for name in tars:
                tar = self._prefix.below(name.rpartition("/")[2])
                rows = rows_in(connection, tar, self.until)
                yield from found_again(rows, str(tar), items_in, kept)

    def begin(self, kept: KnownPositions) -> None:
        """
        Abort the uploads of an earlier run; write the indices that a kill left out.

        Raises:
            ValueError: If a tar has files that were not kept, as it may be another
                list's.
        """
        self.check(kept)
        with closing(Connection(self._credentials)) as connection:
            while self._unlisted:
                tar, until = self._unlisted.pop(), self.until
                rows = rows_in(connection, tar, until)
                lines = "".join(f"{json.dumps(row)}\n" for row in rows).encode()
                connection.request("PUT", index_of(tar), body=lines, until=until)
        self._abort_uploads()

    def _abort_uploads(self) -> None:
        """Abort uploads that no process goes on with; they are billed."""
        until = self.until + _COMPLETING_S
        try:
            with closing(Connection(self._credentials)) as connection:
                beside = self._prefix.below("")
                for key, id_ in uploads_below(connection, beside, until):
                    if _OURS.fullmatch(key.removeprefix(beside.key)):
                        abort(connection, beside._replace(key=key), id_, until)
        except S3Error as error:
            what = "Unfinished uploads below %s, if there are any, stay: %s"
            _log.warning(what, self._prefix, error)

    @property
    def is_full(self) -> bool:
        """Whether S3 takes less than is downloaded."""
        ending = sum(not one.done() for one in self._ending)
        return ending >= _ENDING or bool(self._tar and self._tar.is_full)

    def keep(
        self, item: Item, parts: Sequence[bytes], download: Download = WHOLE
    ) -> str:
        """Append a member and return its path: the tar's, a slash, and its name."""
        with self._growing() as tar:
            return tar.keep(item, parts, download)

    def open(self, item: Item) -> SpooledBody:
        """Make room for a body that arrives in pieces."""
        return SpooledBody(self._files, partial(self._take, item), BLOCK)

    def _take(self, item: Item, body: Part, download: Download) -> str:
        with self._growing() as tar:
            return tar.take(item, body, download)

    @contextmanager
    def _growing(self) -> Iterator[S3Tar]:
        """Let a member be written to a tar, a new one if the one before is lost."""
        if self._tar and self._tar.failure and not self._tar.failure.is_hopeless:
            self._end()
        if self._tar is None:
            place = self._next()
            self._tar = S3Tar(
                place, self._credentials, self.until + _COMPLETING_S, by_row=True
            )
        tar = self._tar
        yield tar
        if len(tar.kept) >= MOST_FILES or tar.size >= MOST_BYTES:
            self._end()

    def _next(self) -> Place:
        """Return the next tar; no other process gets it."""
        count = self._count.fileno()  # of a file whose size it is
        fcntl.lockf(count, fcntl.LOCK_EX)
        try:
            number = os.fstat(count).st_size
            while number in self._taken:
                number += 1
            os.ftruncate(count, number + 1)
        finally:
            fcntl.lockf(count, fcntl.LOCK_UN)
        return self._prefix.below(f"{number:05}{TAR}")

    def _end(self) -> None:
        """Have the tar completed in the background."""
        for one in self._ending:
            if one.done():
                one.result()  # raises what nobody foresaw
        self._ending = [one for one in self._ending if not one.done()]
        tar, self._tar = self._tar, None
        if tar:
            self._ending.append(self._pool.submit(self._complete, tar))

    def _complete(self, tar: S3Tar) -> None:
        with closing(tar):
            lost = tar.settle()
        with self._lock:
            self._ends |= dict.fromkeys(tar.kept) | lost

    def settled(self) -> dict[int, Download | None]:
        """Return what has been settled since this was asked last."""
        with self._lock:
            ends, self._ends = self._ends, {}
        return ends

    def settle(self) -> dict[int, Download]:
        """Complete this process's tars; say what is in none."""
        self._end()
        for one in self._ending:
            one.result()
        self._ending.clear()
        return {number: end for number, end in self.settled().items() if end}

    def complete(self, ended: KnownPositions, *, is_whole: bool) -> None:
        """Abort what a process has left that was killed."""
        del ended
        if not is_whole:
            self._abort_uploads()

    def close(self) -> None:
        """Wait for tars that are being completed, and abort the one that is not."""
        self._pool.shutdown()
        if self._tar:
            self._tar.close()
            self._tar = None
        self._files.close()
        self._count.close()
