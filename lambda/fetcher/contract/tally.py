"""Totals of downloads: counts, bytes and a latency histogram that can be merged."""

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
    Latencies in buckets of equal ratio.

    Histograms can be merged without loss, so percentiles over a whole run need no
    samples to be kept or sent.
    """

    buckets: Counter[int] = field(default_factory=Counter)

    def add(self, seconds: float, count: int = 1) -> None:
        """Count an observation made so many times."""
        ratio = max(seconds, _SHORTEST_S) / _SHORTEST_S
        self.buckets[int(math.log10(ratio) * _BUCKETS_PER_DECADE)] += count

    def merge(self, other: Histogram) -> None:
        """Add everything the other has counted."""
        self.buckets.update(other.buckets)

    def quantile(self, share: float) -> float:
        """
        Return the seconds within which a share of observations, from 0 to 1, stayed.

        They are within 3 % of the exact value; NaN if nothing was counted.
        """
        total = self.buckets.total()
        if not total:
            return math.nan
        rank = max(1, math.ceil(share * total))
        seen = 0
        for index in sorted(self.buckets):
            seen += self.buckets[index]
            if seen >= rank:
                break
        return float(_SHORTEST_S * 10 ** ((index + 0.5) / _BUCKETS_PER_DECADE))

    def to_dict(self) -> dict[str, int]:
        """Return the buckets with JSON's string keys."""
        return {str(index): count for index, count in sorted(self.buckets.items())}

    @classmethod
    def from_dict(cls, fields: Mapping[str, int]) -> Histogram:
        """Read back what `to_dict` returned."""
        return cls(Counter({int(index): count for index, count in fields.items()}))


@dataclass(slots=True)
class Tally:
    """
    Totals of many downloads.

    Attributes:
        counts: URLs by outcome; 0 for outcomes that did not occur.

        body_bytes: Bytes of the bodies that ended `ok`.

        latency: Seconds from first try to end, waits included, of `ok` URLs.
    """

    counts: Counter[Outcome] = field(default_factory=Counter)
    body_bytes: int = 0
    latency: Histogram = field(default_factory=Histogram)

    def merge(self, other: Tally) -> None:
        """Add everything the other has counted."""
        self.counts.update(other.counts)
        self.body_bytes += other.body_bytes
        self.latency.merge(other.latency)

    @property
    def files(self) -> int:
        """Number of URLs counted."""
        return self.counts.total()

    @property
    def ok(self) -> int:
        """Number of URLs that arrived whole."""
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
        """Read back what `to_dict` returned."""
        counts = {Outcome(name): count for name, count in fields["counts"].items()}
        latency = Histogram.from_dict(fields["latency"])
        return cls(Counter(counts), fields["body_bytes"], latency)
