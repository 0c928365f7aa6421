"""A list of URLs as people write them: every row of it fetched, or told why not."""

from __future__ import annotations

import math
from itertools import chain
from time import monotonic
from typing import TYPE_CHECKING

from fetcher.lists.columns import Columns
from fetcher.lists.duplicate_rows import SeenRows
from fetcher.lists.file_rows import rows_of
from fetcher.lists.files.decoded_lines import Foreign
from fetcher.lists.files.inputs import Input, files_of, opened, size_of
from fetcher.lists.files.pipes_and_s3 import is_pipe
from fetcher.lists.problems import SHAPES, UrlListError, remarks_in
from fetcher.lists.reader_process import ReaderProcess
from fetcher.lists.row_validation import RowBlock, RowValidator
from fetcher.lists.spool import Spool
from fetcher.s3.urls import SCHEME

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator
    from pathlib import Path

    from fetcher.contract.source import Item
    from fetcher.lists.position_set import Positions

__all__ = ["Columns", "RowBlock", "UrlList", "UrlListError"]

ENDLESS = 2**63 - 1  # the length of a list whose end was not reached yet
_JUDGED_BY = 1_000  # rows: if most of these are bad, it is another file that was meant
_LEAST_BYTES = 2**20  # read, to tell by them how many rows there are
_MOST_ROWS = 50_000  # read for that
_WAIT_S = 0.25  # for so much of what a program writes slowly


class UrlList:
    """
    A list of URLs: files of any format, read once, each row checked as it comes.

    Iterating yields `fetcher.contract.source.Item`, numbered from 0. Rows are kept in a
    temporary file, so spans of them can be read again, in little memory.

    Args:
        names: Paths, patterns, ``-`` for stdin, or ``s3://bucket/key``; of ``.txt``,
            ``.csv``, ``.tsv``, ``.jsonl`` or ``.parquet``, packed by gzip, Zstandard or
            xz, or not. Several make one list.

        columns: The names of its columns.

        allow_s3: Whether ``s3://bucket/key`` is a URL in it, too.

        allow_credentials: Whether URLs may hold a user name or password.

        strict: Whether it is refused if any row is bad or a duplicate.

        is_hasty: Whether a program that writes the list slowly is not waited for, but
            its first rows are taken as they come, unless most of them are bad.

    Attributes:
        count: How many rows have been read.

        known_count: How many there are; None: it has not been read to its end.

    Raises:
        UrlListError: If it cannot be what was meant: most of the first thousand rows
            are bad, there are none, a column is missing; or it is not whole.

        OSError: If it cannot be read.
    """

    def __init__(
        self,
        *names: str | Path,
        columns: Columns | None = None,
        allow_s3: bool = False,
        allow_credentials: bool = True,
        strict: bool = False,
        is_hasty: bool = False,
    ) -> None:
        self.names = files_of(names)
        self._validator = RowValidator(
            allow_s3=allow_s3, allow_credentials=allow_credentials
        )
        self._skipped = 0
        self._foreign = Foreign.count
        self._estimate = 0
        self._bytes = 0
        self._torn = ""  # why it cannot be read to its end
        self._has_pipe = any(map(is_pipe, self.names))
        self._is_begun = self._is_judged = False
        self._given: Input | None = None  # what is being read
        self._reader: ReaderProcess | None = None
        self._spool = Spool()
        self._blocks = self._read(columns or Columns())
        try:
            self._begin(strict=strict, is_hasty=is_hasty)
        except BaseException:
            self.close()
            raise

    def _begin(self, *, strict: bool, is_hasty: bool) -> None:
        """Read the beginning, or all, and refuse the list if it is not usable."""
        until = math.inf
        while self.read_on():
            if is_hasty and self.is_growing:
                until = min(until, monotonic() + _WAIT_S)
            is_late = self._is_good and self._has_no_more(until)
            if not strict and (self._is_judged or is_late):
                break
        self._validator.seen.expect(self._estimate)
        if not self.count:
            msg = f"{self} holds no URL."
            raise UrlListError(msg)
        if strict and self._validator.problems:
            raise self._refusal(is_whole=True)
        self._is_begun = True

    def _has_no_more(self, until: float) -> bool:
        """Tell whether a program writes nothing more by then."""
        left_s = until - monotonic()
        given = self._given if left_s < math.inf else None
        return left_s <= 0 or bool(given and given.is_silent(left_s))

    @property
    def _is_good(self) -> bool:
        return 2 * self._validator.problems.counts["bad_url"] <= self.count

    def _refusal(self, *, is_whole: bool) -> UrlListError:
        problems, more = self._validator.problems, " more" if self._is_begun else ""
        few = "its" if is_whole else "its first"
        return UrlListError(
            f"{self}: {len(problems):,} of {few} {self.count:,} rows cannot be "
            f"used; nothing{more} was fetched.\n{problems}"
            f"{'' if self._is_good else SHAPES}"
        )

    def _read(self, columns: Columns) -> Generator[RowBlock, None, None]:
        """Yield the rows, judged, and keep account of how far it has come."""
        sizes = [size_of(name) for name in self.names]
        for nth, name in enumerate(self.names):
            with opened(name) as given:
                before, self._given = self._skipped, given
                for rows in rows_of(given, columns):
                    self._skipped = before + given.skipped
                    if not len(rows.urls):
                        continue
                    block = self._validator.judged(rows)
                    read, sizes[nth] = given.bytes_read()
                    self._bytes = sum(sizes[:nth]) + read
                    share = self._bytes / sum(sizes) or 1.0
                    self._estimate = round(self._validator.count / share)
                    yield block
                self._skipped = before + given.skipped

    def __str__(self) -> str:
        more = len(self.names) - 1
        return f"{self.names[0]}{f' and {more:,} more' if more else ''}"

    def __len__(self) -> int:
        while self.read_on():
            pass
        return self.count

    def __iter__(self) -> Iterator[Item]:
        return self.items_in([(0, ENDLESS)])

    @property
    def count(self) -> int:  # noqa: D102
        return self._spool.count

    @property
    def known_count(self) -> int | None:  # noqa: D102
        self._spool.look()
        return None if self._spool.words is None else self.count

    @property
    def estimated_count(self) -> int:
        """The same, estimated if need be."""
        return self.known_count or max(self.count, self._estimate)

    @property
    def is_growing(self) -> bool:
        """Whether a program may write more of it, and take its time."""
        return self.known_count is None and self._has_pipe

    @property
    def is_far(self) -> bool:
        """Whether reading it means waiting, for a program or for S3."""
        return self._has_pipe or any(one.startswith(SCHEME) for one in self.names)

    def read_on(self) -> bool:
        """Read some more rows; False: there are none."""
        if self._spool.words is not None:
            return False
        if self._reader:
            return self._spool.wait()
        try:
            block = next(self._blocks, None)
            if block:
                self._spool.append(block)
            is_much = self._bytes >= _LEAST_BYTES or self.count >= _MOST_ROWS
            is_enough = is_much and self.count >= _JUDGED_BY
            if not self._is_judged and (is_enough or not block):
                self._is_judged = True
                if not self._is_good:
                    raise self._refusal(is_whole=not block)
            if block:
                return True
            self._end(self._torn)
        except (UrlListError, OSError) as error:
            if not self._is_begun:
                raise
            # Else reading on would skip the rows that could not be written.
            self._blocks.close()
            self._torn = self._torn or str(error)
            self._end(self._torn)
        return False

    def _end(self, failure: str = "") -> None:
        words = {
            "failure": failure,
            "skipped": self._skipped,
            "foreign": Foreign.count - self._foreign,
            "bad": len(self._validator.problems),
            "problems": str(self._validator.problems),
        }
        self._spool.end(words)

    @property
    def failure(self) -> str:
        """Why the list could not be read to its end; empty: so far, it could."""
        return str(self._spool.words["failure"]) if self._spool.words else ""

    def raise_if_torn(self) -> None:
        """Raise `UrlListError` if the list could not be read to its end."""
        if self.failure:
            raise UrlListError(self.failure)

    def remarks(self) -> list[str]:
        """Return what is to be said about the list, once it has been read."""
        return [f"{self}: {one}" for one in remarks_in(self._spool.words or {})]

    def blocks(self, spans: Iterable[tuple[int, int]]) -> Iterator[RowBlock]:
        """
        Yield the rows of some spans, in columns, as far as there are any.

        Spans, the number of the first and how many, are asked for one by one.
        """
        return filter(None, self._spool.blocks(spans, self.read_on))

    def items_in(
        self, spans: Iterable[tuple[int, int]], done: Positions | None = None
    ) -> Iterator[Item]:
        """Yield the items of some spans, apart from those whose positions are done."""
        return _items_of(self.blocks(spans), done)

    def items_so_far(
        self, spans: Iterable[tuple[int, int]], done: Positions | None = None
    ) -> Iterator[Item | None]:
        """Yield the same, but None instead of waiting for more."""
        more = self._spool.more if self._reader else self.read_on
        done = done or None  # a row that is done from now on has had its turn
        for block in self._spool.blocks(spans, more):
            if block:
                yield from _items_of([block], done)
            else:
                yield None

    def hand_over(self) -> None:
        """Have a process of its own read the rest, so that children find it, too."""
        if self.known_count is not None:
            return
        self._reader = ReaderProcess(self.read_on, self._end, self._broken_off)
        self._validator.seen = SeenRows()  # the old one may take 160 MB
        self._spool.follow(self._reader.pipe)

    def _broken_off(self) -> str:
        self._spool.look()
        return (
            f"{self} was read only up to row {self.count:,}, because the run ended "
            "first. Run the same command again to continue."
        )

    def break_off(self) -> None:
        """Have no more read of what a program writes, once `hand_over` was called."""
        if self._reader and self.is_growing:
            self._reader.break_off()

    def stop_reading(self) -> int:
        """End the process that reads, if any; return the most bytes that it held."""
        reader, self._reader = self._reader, None
        return reader.end() if reader else 0

    def close(self) -> None:
        """Remove the temporary file; what was read is gone."""
        self.stop_reading()
        self._blocks.close()
        self._spool.close()


def _items_of(blocks: Iterable[RowBlock], done: Positions | None) -> Iterator[Item]:
    items = chain.from_iterable(block.items() for block in blocks)
    return (one for one in items if one.number not in done) if done else items
