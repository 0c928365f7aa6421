"""Results of a job as they are now."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING, Any

from fetcher.contract.outcome import Outcome
from fetcher.service.jobs.stored_documents import RoundResult

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from fetcher.service.jobs.job_context import JobContext
    from fetcher.service.jobs.store import Entry


@dataclass(slots=True)
class Totals:
    """
    Totals of results.

    Attributes:
        errors: How many URLs did not arrive, by slice, of those that are done.
    """

    errors: dict[int, int] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)
    body_bytes: int = 0

    def add(self, rounds: Iterable[RoundResult]) -> None:
        """Add the results of some rounds."""
        for result in rounds:
            self.counts.update(result.counts)
            self.body_bytes += result.body_bytes

    def to_list(self) -> list[Any]:
        """Return it as a document."""
        return [list(self.errors.items()), self.counts, self.body_bytes]

    @classmethod
    def from_list(cls, document: list[Any] | None) -> Totals:
        """Read it back; zero if there is no document."""
        if document is None:
            return cls()
        errors, counts, body_bytes = document
        return cls(dict(errors), Counter(counts), body_bytes)


@dataclass(frozen=True, slots=True)
class Seen:
    """
    The results as they are now.

    Attributes:
        ages: How long ago a slice's last result was written, in seconds.
    """

    done: Totals
    rounds: Mapping[int, list[RoundResult]]
    ages: Mapping[int, float]


def look(context: JobContext) -> Seen:
    """Return what there is of a job's results; add up those that are new."""
    store = context.store
    done = Totals.from_list(store.get("done"))
    known = len(done.errors)
    entries = [(_slice_of(entry), entry) for entry in store.list("results/")]
    ages = {index: entry.age_s for index, entry in entries}
    names = [entry.name for index, entry in entries if index not in done.errors]
    documents = store.get_all(names)
    rounds = defaultdict(list)
    for index, entry in entries:
        if entry.name in documents:
            rounds[index].append(RoundResult(**documents[entry.name]))
    for index in [index for index, some in rounds.items() if some[-1].is_last]:
        some = rounds.pop(index)
        done.add(some)
        ends = chain.from_iterable(result.counts.items() for result in some)
        done.errors[index] = sum(count for end, count in ends if end != Outcome.OK)
    if len(done.errors) > known:
        store.put("done", done.to_list())
    return Seen(done, rounds, ages)


def _slice_of(entry: Entry) -> int:
    return int(entry.name.partition("/")[2].partition("-")[0])
