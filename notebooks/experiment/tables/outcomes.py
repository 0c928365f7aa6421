"""From reports to one outcome per URL: a piece at a time, in the plan's order."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, NoReturn

import numpy as np

from experiment.ledger.download_rows import OK, UNSTARTED, rows_of
from experiment.number_set import numbers_of
from fetcher.contract.downloads import TICKS_PER_S
from fetcher.contract.outcome import ORDER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from numpy.typing import NDArray

    from experiment.ledger.invocation import Invocation
    from fetcher.contract.shard import Report

PIECE = 2**15  # rows
_COLUMNS = {  # and what stands there until somebody answers
    "outcome": (np.uint8, UNSTARTED),
    "status": (np.uint16, 0),
    "body_bytes": (np.int64, 0),
    "started_at": (np.float64, math.nan),
    "seconds": (np.float32, 0),
    "attempts": (np.uint8, 0),
    "wave": (np.int16, 0),
    "shard": (np.int32, 0),
}


class AccountError(ValueError):
    """The figures of a run do not add up."""


class LedgerEntry(NamedTuple):
    """
    An invocation in the ledger.

    Attributes:
        wave: Which wave it was in.

        place: Where it stands there.

        first, last: Of the numbers it was asked for, the least and the largest.
    """

    wave: int
    place: int
    first: int
    last: int


@dataclass(frozen=True)
class _Opened:
    """An invocation that was read, and its numbers."""

    entry: LedgerEntry
    done: Invocation
    numbers: NDArray[np.int64]


class OutcomeBlock:
    """
    What became of consecutive URLs.

    Attributes:
        numbers: Theirs.

        columns: An array a field.

        details: What there is to say of each; None: nothing of any.

        asked_of: By template, which of them it made the URLs of.

        unasked: How many nobody was asked for.
    """

    def __init__(self, start: int, end: int) -> None:
        many = end - start
        self.numbers = np.arange(start, end)
        self.columns = {
            name: np.full(many, empty, kind) for name, (kind, empty) in _COLUMNS.items()
        }
        self.details: NDArray[np.object_] | None = None
        self.asked_of: dict[str, NDArray[np.bool_]] = {}
        self._asked_in = np.full(many, -1, np.int16)

    @property
    def unasked(self) -> int:
        """How many nobody was asked for."""
        return int(np.count_nonzero(self._asked_in < 0))

    def take(self, one: _Opened) -> None:
        """Take in an invocation; those of earlier waves were before."""
        first, end = self.numbers[0], self.numbers[-1] + 1
        positions = np.arange(*np.searchsorted(one.numbers, [first, end]))
        places = one.numbers[positions] - first
        done, report = one.done, one.done.report
        self._check(done, places)
        tells = self.columns["outcome"][places] == UNSTARTED
        if report:
            tells |= rows_of(report.downloads)["outcome"][positions] != UNSTARTED
        if not tells.all():
            positions, places = positions[tells], places[tells]
        self.columns["wave"][places] = done.wave
        self.columns["shard"][places] = done.shard
        for mask in self.asked_of.values():
            mask[places] = False
        if done.template not in self.asked_of:
            self.asked_of[done.template] = np.zeros(len(self.numbers), np.bool_)
        self.asked_of[done.template][places] = True
        if report:
            self._take_rows(report, positions, places)
        self._tell(done, positions, places)

    def _check(self, done: Invocation, places: NDArray[np.int64]) -> None:
        again = (self._asked_in[places] == done.wave).any()
        if again or (self.columns["outcome"][places] == OK).any():
            fail_accounting(
                "Some URL was asked for twice in one wave, or again once it was ok."
            )
        self._asked_in[places] = done.wave

    def _take_rows(
        self, report: Report, positions: NDArray[np.int64], places: NDArray[np.int64]
    ) -> None:
        rows = rows_of(report.downloads)[positions]
        for name in ("outcome", "status", "body_bytes", "attempts"):
            self.columns[name][places] = rows[name]
        started_s = rows["started_ticks"] / TICKS_PER_S
        self.columns["started_at"][places] = report.downloading_at + started_s
        self.columns["seconds"][places] = rows["ticks"] / TICKS_PER_S

    def _tell(
        self,
        done: Invocation,
        positions: NDArray[np.int64],
        places: NDArray[np.int64],
    ) -> None:
        told = done.report.downloads.details if done.report else {}
        if self.details is None:
            if not (told or done.error):
                return
            self.details = np.full(len(self.numbers), "", object)
        self.details[places] = done.error
        if told:
            self.details[places] = [told.get(at, "") for at in positions.tolist()]


def entry_of(place: int, done: Invocation) -> LedgerEntry:
    """Return where an invocation stands, and what it spans."""
    (first, _), (start, many) = done.ranges[0], done.ranges[-1]
    return LedgerEntry(done.wave, place, first, start + many - 1)


def outcome_blocks(
    entries: Iterable[LedgerEntry], read: Callable[[int], Invocation], many: int
) -> Iterator[OutcomeBlock]:
    """
    Yield what became of every URL.

    A URL that was tried several times has the outcome of the last wave that had one; a
    URL that none had is ``unstarted``.

    Args:
        entries: Of all invocations.

        read: Returns the one at a place.

        many: How many URLs the plan has.

    Raises:
        AccountError: If a URL was asked for twice in one wave, or again once it was ok;
            or if a report's counts are not those of its URLs.
    """
    waiting = sorted(entries, key=lambda entry: entry.first, reverse=True)
    opened: list[_Opened] = []
    for start in range(0, many, PIECE):
        end = min(start + PIECE, many)
        opened = [one for one in opened if one.entry.last >= start]
        while waiting and waiting[-1].first < end:
            opened.append(_opened(waiting.pop(), read))
        piece = OutcomeBlock(start, end)
        for one in sorted(opened, key=lambda one: one.entry):
            piece.take(one)
        yield piece


def _opened(entry: LedgerEntry, read: Callable[[int], Invocation]) -> _Opened:
    done = read(entry.place)
    if done.report:
        codes = rows_of(done.report.downloads)["outcome"]
        found = np.bincount(codes, minlength=len(ORDER)).tolist()
        if found != [done.report.tally.counts[outcome] for outcome in ORDER]:
            fail_accounting(
                f"Shard {done.shard} of wave {done.wave} miscounts its URLs."
            )
    return _Opened(entry, done, numbers_of(done.ranges))


def fail_accounting(wrong: str) -> NoReturn:
    """Raise `AccountError`."""
    msg = f"{wrong} This is a bug: please report it with the run's folder."
    raise AccountError(msg)
