"""A list of URLs as people write them: every row of it fetched, or told why not."""

from __future__ import annotations

import gc
import os
import signal
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from fetcher.lists.columns import Columns
from fetcher.lists.formats import rows_of
from fetcher.lists.inputs import Foreign, files_of, opened
from fetcher.lists.judge import Judge, RowBlock
from fetcher.lists.problems import UrlListError
from fetcher.lists.seen import SeenNames
from fetcher.lists.spool import Spool
from fetcher.process.memory import peak_rss_bytes

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator

    from fetcher.contract.source import Item
    from fetcher.lists.position_set import Positions

__all__ = ["Columns", "RowBlock", "UrlList", "UrlListError"]

ENDLESS = 2**63 - 1  # the length of a list whose end was not reached yet
_JUDGED_BY = 1_000  # rows: if most of these are bad, it is another file that was meant
_LEAST_BYTES = 2**20  # read, to tell by them how many rows there are
_MOST_ROWS = 50_000  # read for that


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
    ) -> None:
        self.names = files_of(names)
        self._judge = Judge(allow_s3=allow_s3, allow_credentials=allow_credentials)
        self._skipped = 0
        self._foreign = Foreign.count
        self._estimate = 0
        self._bytes = 0
        self._is_begun = False
        self._reader = 0  # a process
        self._spool = Spool()
        self._blocks = self._read(columns or Columns())
        try:
            self._begin(strict=strict)
        except BaseException:
            self.close()
            raise

    def _begin(self, *, strict: bool) -> None:
        """Read the beginning, or all, and refuse the list if it is not usable."""
        while self.read_on():
            is_enough = self._bytes >= _LEAST_BYTES or self.count >= _MOST_ROWS
            if is_enough and self.count >= _JUDGED_BY and not strict:
                break
        self._is_begun = True
        self._judge.seen.expect(self._estimate)
        if not self.count:
            msg = f"{self} holds no URL."
            raise UrlListError(msg)
        problems = self._judge.problems
        if 2 * problems.counts["bad_url"] > self.count or (strict and len(problems)):
            few = "its" if self.known_count else "its first"
            msg = (
                f"{self}: {len(problems):,} of {few} {self.count:,} rows cannot be "
                f"used; nothing was fetched.\n{problems}"
            )
            raise UrlListError(msg)

    def _read(self, columns: Columns) -> Generator[RowBlock, None, None]:
        """Yield the rows, judged, and keep account of how far it has come."""
        sizes = [_size_of(name) for name in self.names]
        for nth, name in enumerate(self.names):
            with opened(name) as given:
                before, sizes[nth] = self._skipped, max(1, given.size)
                for rows in rows_of(given, columns):
                    self._skipped = before + given.skipped
                    if not len(rows.urls):
                        continue
                    block = self._judge.judged(rows)
                    self._bytes = sum(sizes[:nth]) + given.bytes_read()
                    share = self._bytes / sum(sizes) or 1.0
                    self._estimate = round(self._judge.count / share)
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
        if self._reader:
            self._spool.look()
        return None if self._spool.words is None else self.count

    @property
    def estimated_count(self) -> int:
        """The same, estimated if need be."""
        return self.known_count or max(self.count, self._estimate)

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
                return True
            self._end()
        except (UrlListError, OSError) as error:
            if not self._is_begun:
                raise
            self._end(str(error))
        return False

    def _end(self, failure: str = "") -> None:
        words = {
            "failure": failure,
            "skipped": self._skipped,
            "foreign": Foreign.count - self._foreign,
            "bad": len(self._judge.problems),
            "problems": str(self._judge.problems),
        }
        self._spool.end(words)

    def raise_if_torn(self) -> None:
        """Raise `UrlListError` if the list could not be read to its end."""
        if self._spool.words and self._spool.words["failure"]:
            raise UrlListError(self._spool.words["failure"])

    def remarks(self) -> list[str]:
        """Return what is to be said about the list, once it has been read."""
        words = self._spool.words or {}
        what = {
            "skipped": "lines are no rows: they are blank, or comments.",
            "foreign": "places are not UTF-8; they were read as Latin-1.",
            "bad": f"rows are no URLs, or repeat others:\n{words.get('problems')}",
        }
        counts = {name: words.get(name, 0) for name in what}
        return [f"{self}: {n:,} {what[name]}" for name, n in counts.items() if n]

    def blocks(self, spans: Iterable[tuple[int, int]]) -> Iterator[RowBlock]:
        """
        Yield the rows of some spans, in columns, as far as there are any.

        Args:
            spans: Number of the first, and how many; asked for one by one.
        """
        held = RowBlock(0, ())
        for start, count in spans:
            at, end = start, start + count
            while at < end:
                if at >= self.count:
                    if self.read_on():
                        continue
                    break
                if not held.first <= at < held.first + len(held.urls):
                    held = self._spool.block_with(at)
                piece = held.cut(at - held.first, end - held.first)
                yield piece
                at += len(piece.urls)

    def items_in(
        self, spans: Iterable[tuple[int, int]], done: Positions | None = None
    ) -> Iterator[Item]:
        """Yield the items of some spans, apart from those whose positions are done."""
        pieces = (block.items() for block in self.blocks(spans))
        if not done:
            return chain.from_iterable(pieces)
        return (one for piece in pieces for one in piece if one.number not in done)

    def hand_over(self) -> None:
        """Have a process of its own read the rest, so that children find it, too."""
        if self.known_count is not None:
            return
        parent = os.getpid()
        reads, writes = os.pipe()
        self._reader = os.fork()
        if not self._reader:
            os.close(reads)
            self._work(parent)
        os.close(writes)
        self._judge.seen = SeenNames()  # up to 160 MB, which the other process needs
        self._spool.follow(reads)

    def _work(self, parent: int) -> NoReturn:
        """Read to the end in this process, then end it; so too if its parent dies."""
        try:
            gc.set_threshold(100_000)  # hundreds of rows come and go, without cycles
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            while os.getppid() == parent and self.read_on():
                pass
        except BaseException as error:  # noqa: BLE001 - the parent shows it
            self._end(repr(error))
        finally:
            os._exit(0)

    def stop_reading(self) -> int:
        """End the process that reads, if any; return the most bytes that it held."""
        reader, self._reader = self._reader, 0
        if not reader:
            return 0
        os.kill(reader, signal.SIGKILL)
        return peak_rss_bytes(os.wait4(reader, 0)[2])

    def close(self) -> None:
        """Remove the temporary file; what was read is gone."""
        self.stop_reading()
        self._blocks.close()
        self._spool.close()


def _size_of(name: str) -> int:
    """Return the bytes of a file; at least one, as of what is no file here."""
    try:
        return max(1, Path(name).stat().st_size)
    except OSError:
        return 1
