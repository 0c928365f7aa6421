"""From reports to one outcome per URL: read once, then told in the plan's order."""

from __future__ import annotations

import math
import os
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, NamedTuple, NoReturn, Self

import numpy as np

from experiment.ledger.download_array import OK, ROW, UNSTARTED, rows_of
from experiment.ledger.number_set import numbers_of
from fetcher.contract.download_results import TICKS_PER_S
from fetcher.contract.outcome import ORDER
from fetcher.contract.source import count
from fetcher.contract.tally import Tally

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from experiment.ledger.invocation import Invocation
    from fetcher.contract.source import Ranges

BLOCK = 2**15  # rows
_COLUMNS = {  # each with its value while there is no report
    "outcome": (np.uint8, UNSTARTED),
    "status": (np.uint16, 0),
    "body_bytes": (np.int64, 0),
    "started_at": (np.float64, math.nan),
    "seconds": (np.float32, 0),
    "attempts": (np.uint8, 0),
    "content_type": (np.int32, 0),
    "found_type": (np.int32, 0),
    "wave": (np.int16, 0),
    "shard": (np.int32, 0),
}


class AccountError(ValueError):
    """The figures of a run do not add up."""


class _ShardOutcomes(NamedTuple):
    """
    What one invocation says of its URLs. In the order in which later ones count more.

    Attributes:
        wave, shard, ranges, template, error: As in the ledger.

        rows_at: Where its rows begin in the file of rows; None: there is no report.

        downloading_at: When its first download could start.

        details: As in the report, by position.

        types: Names of the types in its rows.
    """

    wave: int
    shard: int
    ranges: Ranges
    template: str
    error: str
    rows_at: int | None = None
    downloading_at: float = math.nan
    details: Mapping[int, str] = {}
    types: Sequence[str] = ("",)


class _Opened(NamedTuple):
    """The same with its numbers and rows in memory."""

    source: _ShardOutcomes
    numbers: NDArray[np.int64]
    rows: NDArray[np.void] | None

    @property
    def last(self) -> int:
        return int(self.numbers[-1])


class OutcomeBlock:
    """
    The outcomes of consecutive URLs.

    Attributes:
        columns: An array per field.

        details: A text for each; None: there are none.

        types: Codes of types in the columns content_type and found_type, by name.

        templates: Codes of the templates in `template_codes`, by text.

        template_codes: Which template each URL was made from; -1: it was not requested.
    """

    def __init__(self, start: int, end: int) -> None:
        size = end - start
        self.numbers = np.arange(start, end)
        self.columns = {
            name: np.full(size, empty, kind) for name, (kind, empty) in _COLUMNS.items()
        }
        self.details: NDArray[np.object_] | None = None
        self.types = {"": 0}
        self.templates: dict[str, int] = {}
        self.template_codes = np.full(size, -1, np.int32)
        self.latest_wave = np.full(size, -1, np.int16)

    def add(self, shard: _Opened) -> None:
        """Add an invocation; those of earlier waves must come first."""
        source, first = shard.source, self.numbers[0]
        span = np.searchsorted(shard.numbers, [first, self.numbers[-1] + 1])
        positions = np.arange(*span)
        places = shard.numbers[positions] - first
        self._check(source.wave, places)
        counts = self.columns["outcome"][places] == UNSTARTED
        if shard.rows is not None:
            counts |= shard.rows["outcome"][positions] != UNSTARTED
        if not counts.all():
            positions, places = positions[counts], places[counts]
        self.columns["wave"][places] = source.wave
        self.columns["shard"][places] = source.shard
        code = self.templates.setdefault(source.template, len(self.templates))
        self.template_codes[places] = code
        if shard.rows is not None:
            self._set_rows(shard.rows[positions], source, places)
        self._set_details(source, positions, places)

    def _check(self, wave: int, places: NDArray[np.int64]) -> None:
        again = (self.latest_wave[places] == wave).any()
        if again or (self.columns["outcome"][places] == OK).any():
            fail_accounting(
                "A URL was requested twice in one wave, or again after it was ok."
            )
        self.latest_wave[places] = wave

    def _set_rows(
        self, rows: NDArray[np.void], source: _ShardOutcomes, places: NDArray[np.int64]
    ) -> None:
        for name in ("outcome", "status", "body_bytes", "attempts"):
            self.columns[name][places] = rows[name]
        started_s = rows["started_ticks"] / TICKS_PER_S
        self.columns["started_at"][places] = source.downloading_at + started_s
        self.columns["seconds"][places] = rows["ticks"] / TICKS_PER_S
        # Each report numbers types in its own way.
        ours = [self.types.setdefault(name, len(self.types)) for name in source.types]
        codes = np.array(ours)
        for name in ("content_type", "found_type"):
            self.columns[name][places] = codes[rows[name]]

    def _set_details(
        self,
        source: _ShardOutcomes,
        positions: NDArray[np.int64],
        places: NDArray[np.int64],
    ) -> None:
        if self.details is None:
            if not (source.details or source.error):
                return
            self.details = np.full(len(self.numbers), "", object)
        self.details[places] = source.error
        if source.details:
            texts = [source.details.get(at, "") for at in positions.tolist()]
            self.details[places] = texts


class Outcomes:
    """
    A context that collects a ledger in one pass and tells it in the plan's order.

    The rows of reports are kept in a file without a name in the meantime: little is in
    memory at any time, however long the run was.

    Attributes:
        tally: The sum of the reports' own.

        unrequested: How many of the URLs so far no invocation was for.
    """

    def __init__(self, folder: Path) -> None:
        self.tally = Tally()
        self.unrequested = 0
        self._file = TemporaryFile(dir=folder)  # noqa: SIM115 - see __exit__
        self._shards: list[_ShardOutcomes] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def collect(self, invocations: Iterable[Invocation]) -> Iterator[Invocation]:
        """
        Yield the invocations again, each after its outcomes were collected.

        Raises:
            AccountError: If a report's counts are not those of its URLs.
        """
        for done in invocations:
            shard = _ShardOutcomes(
                done.wave, done.shard, done.ranges, done.template, done.error
            )
            if report := done.report:
                _check_counts(done)
                self.tally.merge(report.tally)
                shard = shard._replace(
                    rows_at=self._file.tell(),
                    downloading_at=report.downloading_at,
                    details=report.downloads.details,
                    types=report.downloads.types,
                )
                self._file.write(report.downloads.rows)
            self._shards.append(shard)
            yield done

    def blocks(self, files: int) -> Iterator[OutcomeBlock]:
        """
        Yield the outcome of every URL.

        A URL that was tried several times has the outcome of the last wave with one; a
        URL without any is ``unstarted``.

        Raises:
            AccountError: If a URL was requested twice in one wave, or again after it
                was ok.
        """
        self._file.flush()
        waiting = sorted(self._shards, key=lambda one: one.ranges[0], reverse=True)
        opened: list[_Opened] = []
        for start in range(0, files, BLOCK):
            end = min(start + BLOCK, files)
            opened = [one for one in opened if one.last >= start]
            while waiting and waiting[-1].ranges[0][0] < end:
                opened.append(self._open(waiting.pop()))
            block = OutcomeBlock(start, end)
            for one in sorted(opened, key=lambda one: one.source[:2]):
                block.add(one)
            self.unrequested += int(np.count_nonzero(block.latest_wave < 0))
            yield block

    def _open(self, shard: _ShardOutcomes) -> _Opened:
        rows = None
        if shard.rows_at is not None:
            size = count(shard.ranges) * ROW.itemsize
            rows = np.frombuffer(
                os.pread(self._file.fileno(), size, shard.rows_at), ROW
            )
        return _Opened(shard, numbers_of(shard.ranges), rows)


def _check_counts(done: Invocation) -> None:
    assert done.report
    codes = rows_of(done.report.downloads)["outcome"]
    counts = np.bincount(codes, minlength=len(ORDER)).tolist()
    if counts != [done.report.tally.counts[outcome] for outcome in ORDER]:
        fail_accounting(f"Shard {done.shard} of wave {done.wave} miscounts its URLs.")


def fail_accounting(fault: str) -> NoReturn:
    """Raise `AccountError`."""
    msg = f"{fault} This is a bug: please report it with the run's folder."
    raise AccountError(msg)
