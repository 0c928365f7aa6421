"""
Sink of tars on this machine: shards in a folder, or one file.

A member is appended whole before its row is reported, and a tar is complete only when
the run ends. So a later run can take out what was never reported: killed at any moment,
nothing that was reported is lost, and nothing is there twice. Only a kill while that is
done can lose members that were reported; they are fetched again.
"""

from __future__ import annotations

import fcntl
import mmap
import os
from contextlib import contextmanager, suppress
from functools import partial
from io import FileIO
from pathlib import Path
from typing import TYPE_CHECKING

from fetcher.s3.scratch_files import Files
from fetcher.sinks.file_writing import write_all
from fetcher.sinks.spooled_body import SpooledBody
from fetcher.sinks.tars.contents import Contents, found_again
from fetcher.sinks.tars.crash_recovery import repair
from fetcher.sinks.tars.member import BLOCK, member_of
from fetcher.sinks.tars.shard_files import ShardFiles, part_of
from fetcher.sinks.tars.tar_reading import (
    is_as_written,
    listed_in,
    may_be_ours,
    members_in,
)
from fetcher.sinks.tars.tar_writing import TarPart
from fetcher.sinks.tars.tars_sink import TarsSink
from fetcher.transfer.sink import WHOLE

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from fetcher.contract.download_results import Download
    from fetcher.contract.source import Item
    from fetcher.s3.scratch_files import Part
    from fetcher.sinks.resumable_sink import ItemsIn, KnownPositions

# As many samples as img2dataset puts into a shard, and as many bytes as WebDataset's
# authors advise: https://github.com/webdataset/webdataset
MOST_FILES = 10_000
MOST_BYTES = 10**9

_NOTED = 256  # members whose lines of the index are held


class LocalTars(TarsSink):
    """
    Sink that appends each body to a tar, with what is known of it beside it.

    Each process has shards of its own; a single tar is shared, one member at a time.

    Args:
        path: A folder for ``00000.tar`` and so on, each with its index ``00000.jsonl``;
            or one tar, ``x.tar``, with its index ``x.index.jsonl``.

        is_folder: Which of the two.

        report: Where the run's report is to be.

    Raises:
        ValueError: If the report would be one of these files.

        OSError: If tars that are there cannot be read.
    """

    def __init__(
        self, path: Path, *, is_folder: bool, report: Path | None = None
    ) -> None:
        self._place = ShardFiles(path, is_folder=is_folder)
        if report and any(map(self._place.owns, (report, report.resolve()))):
            msg = (
                f"--report {report} is called like a tar of --to {path}, or its "
                "index; name another file."
            )
            raise ValueError(msg)
        self._files = Files(self._place.folder)
        self._tar: _OpenTar | None = None
        # Where whole members end, of a single tar, for all processes forked from here.
        self._end = memoryview(mmap.mmap(-1, 8)).cast("q")
        self._there = Contents()
        self._last: dict[Path, int] = {}  # where last bodies begin, of complete tars
        for tar in self._place.complete():
            members = listed_in(tar, self._place.index_of(tar))
            self._last[tar] = self._there.add(str(tar), members)
        for tar in self._place.growing():
            with part_of(tar).open("rb") as file:
                self._there.add(str(tar), members_in(file.fileno()))

    def _contents(self) -> Contents:
        return self._there

    def _is_ours(self, tar: str) -> bool:
        return self._place.has(tar)

    def _unfinished(self) -> dict[str, Path]:
        return {str(tar): part_of(tar) for tar in self._place.growing()}

    def _spelled(self, tar: str) -> str:
        return self._place.spelled(tar)

    def unreported(
        self, items_in: ItemsIn, kept: KnownPositions
    ) -> Iterator[tuple[Item, Download]]:
        """Yield items that are in a tar with the same URL, and were not reported."""
        unfinished = self._unfinished()
        for tar in self._there.others(kept):
            with unfinished.get(tar, Path(tar)).open("rb") as file:
                rows = (one.row for one in members_in(file.fileno()))
                yield from found_again(rows, tar, items_in, kept)

    def check(self, kept: KnownPositions, *, is_again: bool = False) -> None:
        """
        Check that tars are as they were left, and have nothing else.

        Raises:
            ValueError: If one is not, is of something else, or may be another list's.
        """
        for tar, last in self._last.items():
            is_grown = not self._place.is_folder  # no shard is
            if not last or (is_grown and not is_as_written(tar, last)):
                msg = (
                    f"{tar} was not written by this command, or was changed since, so "
                    "it stays as it is. Name another place."
                )
                raise ValueError(msg)
        for part in self._unfinished().values():
            if not may_be_ours(part):
                msg = (
                    f"{part} was not written by this command, so it stays as it is. "
                    "Name another place."
                )
                raise ValueError(msg)
        super().check(kept, is_again=is_again)

    def begin(self, kept: KnownPositions) -> None:
        """
        Take out of unfinished tars what was not kept, and make ready for more.

        Raises:
            ValueError: As `check`; or if another run is writing here.

            OSError: If there is no room.
        """
        self.check(kept)
        self._place.lock()
        for tar in self._place.growing():
            self._repair(tar, kept)
            if self._place.is_folder:
                self._place.finish(tar)
        if not self._place.is_folder:
            self._place.go_on()
            for tar in self._place.growing():
                if not part_of(self._place.index_of(tar)).exists():  # it was removed
                    self._repair(tar, kept)
                self._end[0] = part_of(tar).stat().st_size

    def keep(
        self, item: Item, parts: Sequence[bytes], download: Download = WHOLE
    ) -> str:
        """Append a member and return its path: the tar's, a slash, and its name."""
        member = member_of(item, sum(map(len, parts)), download, by_row=True)
        with self._appending() as tar:
            tar.part.append(member, parts, sum(map(len, parts)))
            return f"{tar.path}/{member.name}"

    def open(self, item: Item) -> SpooledBody:
        """Make room for a body that arrives in pieces."""
        return SpooledBody(self._files, partial(self._take, item), BLOCK)

    def _take(self, item: Item, body: Part, download: Download) -> str:
        member = member_of(item, body.size, download, by_row=True)
        with self._appending() as tar:
            tar.part.copy(member, body)
            body.release()
            return f"{tar.path}/{member.name}"

    def settle(self) -> dict[int, Download]:
        """Write what is left of the index; `OSError` if there is no room."""
        if self._tar:
            self._tar.close()
            self._tar = None
        return {}

    def close(self) -> None:
        """Close what is open."""
        with suppress(OSError):
            self.settle()
        self._files.close()
        self._place.close()

    def complete(self, ended: KnownPositions, *, is_whole: bool) -> None:
        """End the tars, and give them their names."""
        if self._tar and not is_whole:  # ours, whose index is made anew
            self._tar.drop()
            self._tar = None
        for tar in self._place.growing():
            if not is_whole:
                self._repair(tar, ended)
            self._place.finish(tar)

    def _repair(self, tar: Path, wanted: KnownPositions) -> None:
        repair(part_of(tar), part_of(self._place.index_of(tar)), wanted)

    @contextmanager
    def _appending(self) -> Iterator[_OpenTar]:
        """Let one member be written to the end of a tar."""
        tar = self._tar
        if tar is None:
            path = self._place.begin()
            index = self._place.index_of(path)
            end = [0] if self._place.is_folder else self._end
            tar = self._tar = _OpenTar(path, index, self._files, end)
        with tar.alone():
            yield tar
        with suppress(OSError):  # no room for the index: later there may be
            if tar.is_full and self._place.is_folder:
                self.settle()
            elif len(tar.part.rows) >= _NOTED:
                tar.note()


class _OpenTar:
    """
    A tar that this process appends to.

    Args:
        end: One number, shared by all who append to this tar: where its last whole
            member ends.
    """

    def __init__(
        self, path: Path, index: Path, files: Files, end: memoryview[int] | list[int]
    ) -> None:
        self.path = str(path)
        self._file = FileIO(part_of(path), "r+")
        self._index = FileIO(part_of(index), "a")
        self._count = 0
        self._end = end
        self.part = TarPart(self._file, files)

    @property
    def is_full(self) -> bool:
        many = self._count + len(self.part.rows)
        return many >= MOST_FILES or self.part.size >= MOST_BYTES

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keep other processes from appending; go on where whole members end."""
        # Of the index, since some file systems would take it for the tar's other lock.
        fcntl.lockf(self._index, fcntl.LOCK_EX)
        try:
            self.part.size = end = self._end[0]
            if self._file.seek(0, os.SEEK_END) > end:  # who wrote that was killed
                self._file.truncate(end)
                self._file.seek(end)
            yield
            self._end[0] = self.part.size
        finally:
            fcntl.lockf(self._index, fcntl.LOCK_UN)

    def note(self) -> None:
        """Write the lines of the index that are held; all of them, or `OSError`."""
        rows = self.part.rows
        with self.alone():
            size = self._index.seek(0, os.SEEK_END)
            try:
                write_all(self._index.fileno(), [b"".join(row.line(0) for row in rows)])
            except OSError:
                self._index.truncate(size)
                raise
        self._count += len(rows)
        rows.clear()

    def close(self) -> None:
        """Write the rest of the index, and close both."""
        self.note()
        self.drop()

    def drop(self) -> None:
        """Close both."""
        self._file.close()
        self._index.close()
