"""Outcomes added up: counts, bytes and a latency histogram that can be merged."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from fetcher.contract.outcome import ORDER, Outcome

if TYPE_CHECKING:
    from collections.abc import Mapping

_BUCKETS_PER_DECADE = 40  # neighbours differ by 6 %: closer than the clock deserves
_SHORTEST_S = 1e-5


@dataclass(slots=True)
class Histogram:
    """
    How long things took, in buckets of equal ratio.

    Two of them added give what one would have counted, so percentiles over a whole
    run need no sample to be kept or sent.

    Attributes:
        buckets: Number of observations by bucket index.
    """

    buckets: Counter[int] = field(default_factory=Counter)

    def add(self, seconds: float, many: int = 1) -> None:
        """Count an observation that was made so many times."""
        ratio = max(seconds, _SHORTEST_S) / _SHORTEST_S
        self.buckets[int(math.log10(ratio) * _BUCKETS_PER_DECADE)] += many

    def merge(self, other: Histogram) -> None:
        """Take in everything the other has counted."""
        self.buckets.update(other.buckets)

    def quantile(self, share: float) -> float:
        """
        Return the time in seconds that this share of observations stayed within.

        Args:
            share: From 0 to 1; 0.5 is the median.

        Returns:
            Seconds, within 3 % of the exact value; NaN if nothing was counted.
        """
        total = self.buckets.total()
        if not total:
            return math.nan
        wanted = max(1, math.ceil(share * total))
        seen = 0
        for index in sorted(self.buckets):
            seen += self.buckets[index]
            if seen >= wanted:
                break
        return float(_SHORTEST_S * 10 ** ((index + 0.5) / _BUCKETS_PER_DECADE))

    def to_dict(self) -> dict[str, int]:
        """Return the buckets with JSON's string keys."""
        return {str(index): many for index, many in sorted(self.buckets.items())}

    @classmethod
    def from_dict(cls, fields: Mapping[str, int]) -> Histogram:
        """Read back what `to_dict` gave."""
        return cls(Counter({int(index): many for index, many in fields.items()}))


@dataclass(slots=True)
class Tally:
    """
    What became of many URLs.

    Attributes:
        counts: URLs by outcome. Outcomes nobody met count 0.

        body_bytes: Bytes of the bodies that ended `ok`.

        latency: Seconds from first try to end, waits included, of `ok` URLs.
    """

    counts: Counter[Outcome] = field(default_factory=Counter)
    body_bytes: int = 0
    latency: Histogram = field(default_factory=Histogram)

    def merge(self, other: Tally) -> None:
        """Take in everything the other has counted."""
        self.counts.update(other.counts)
        self.body_bytes += other.body_bytes
        self.latency.merge(other.latency)

    @property
    def files(self) -> int:
        """How many URLs were counted."""
        return self.counts.total()

    @property
    def ok(self) -> int:
        """How many of them arrived whole."""
        return self.counts[Outcome.OK]

    def to_dict(self) -> dict[str, Any]:
        """Return the tally as JSON fields, every outcome named."""
        return {
            "counts": {outcome.value: self.counts[outcome] for outcome in ORDER},
            "body_bytes": self.body_bytes,
            "latency": self.latency.to_dict(),
        }

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Tally:
        """Read back what `to_dict` gave."""
        counts = {Outcome(name): many for name, many in fields["counts"].items()}
        latency = Histogram.from_dict(fields["latency"])
        return cls(Counter(counts), fields["body_bytes"], latency)
