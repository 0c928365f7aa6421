"""Lists of URLs that travel in the shard itself."""

from __future__ import annotations

import json
from dataclasses import dataclass
from itertools import repeat
from typing import TYPE_CHECKING, Any

from fetcher.contract.compressed_text import pack, unpack
from fetcher.contract.source import (
    Item,
    Ranges,
    checked_ranges,
    count,
    numbers_in,
    ranges_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence


@dataclass(frozen=True, slots=True)
class Inline:
    """
    URLs carried in the shard itself, compressed in transit.

    Attributes:
        destinations: As in `Item`, one each; none at all if all are empty.

        sha256s, refusals: Likewise.

        carried: Likewise; all are empty unless the sink keeps them.
    """

    ranges: Ranges
    urls: Sequence[str]
    destinations: Sequence[str] = ()
    sha256s: Sequence[str] = ()
    refusals: Sequence[str] = ()
    carried: Sequence[str] = ()

    def __post_init__(self) -> None:
        """Refuse columns that do not fit together."""
        expected = count(self.ranges)
        lengths = {len(column) for column in self._optional} - {0}
        if len(self.urls) != expected or not lengths <= {expected}:
            msg = f"For {expected:,} numbers there must be as many texts of each kind."
            raise ValueError(msg)

    @classmethod
    def of(cls, items: Sequence[Item], *, keeps_columns: bool = False) -> Inline:
        """Return a source of items whose numbers ascend; it can keep their columns."""
        numbers, urls, *columns = zip(*items, strict=True) if items else [()] * 6
        if not keeps_columns:
            del columns[-1]
        optional = (column if any(column) else () for column in columns)
        return cls(ranges_of(numbers), urls, *optional)

    def __len__(self) -> int:
        """Return how many URLs there are."""
        return len(self.urls)

    def __iter__(self) -> Iterator[Item]:
        """Yield the items in ascending order."""
        optional = (column or repeat("") for column in self._optional)
        return map(Item, numbers_in(self.ranges), self.urls, *optional)

    def to_dict(self) -> dict[str, Any]:
        """Return the list as JSON fields, its texts deflated."""
        texts = json.dumps([self.urls, *self._optional])
        return {
            "kind": "inline",
            "ranges": self.ranges,
            "packed": pack(texts.encode()),
        }

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Inline:
        """Read back what `to_dict` returned."""
        texts = json.loads(unpack(fields["packed"]))
        return cls(checked_ranges(fields["ranges"]), *map(tuple, texts))

    @property
    def _optional(self) -> tuple[Sequence[str], ...]:
        return self.destinations, self.sha256s, self.refusals, self.carried
