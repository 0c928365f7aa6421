"""URLs into shards: balanced by count, by bytes, or so that few shards share a host."""

from __future__ import annotations

from bisect import bisect_right
from itertools import accumulate, chain, groupby, islice, pairwise, repeat
from operator import itemgetter
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from fetcher.contract.source import Inline, Item

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from experiment.plan.url_file import LineBlock
    from fetcher.contract.source import Ranges

WINDOW = 2**16  # lines looked at together: the more, the fewer shards share a host


class Line(NamedTuple):
    """
    One line of a list.

    Attributes:
        item: What to fetch.

        size: In bytes; 0: unknown.
    """

    item: Item
    size: int


def sizes(many: int, parts: int) -> Iterator[int]:
    """
    Yield sizes that differ by at most one, the larger first, and go on for ever.

    >>> list(islice(sizes(5, parts=2), 3))
    [3, 2, 2]
    """
    small, extra = divmod(many, parts)
    return chain(repeat(small + 1, extra), repeat(max(small, 1)))


def deal_ranges(
    ranges: Iterable[tuple[int, int]], sizes: Iterator[int]
) -> Iterator[Ranges]:
    """
    Cut ranges into pieces that cover so many numbers each.

    >>> list(deal_ranges([(0, 2), (5, 3)], sizes(5, parts=2)))
    [((0, 2), (5, 1)), ((6, 2),)]
    """
    piece: list[tuple[int, int]] = []
    room = next(sizes)
    for first, many in ranges:
        at, end = first, first + many
        while at < end:
            here = min(end - at, room)
            piece.append((at, here))
            at, room = at + here, room - here
            if not room:
                yield tuple(piece)
                piece, room = [], next(sizes)
    if piece:
        yield tuple(piece)


def deal_in_order(
    lines: Iterable[LineBlock], sizes: Iterator[int], most_text: int
) -> Iterator[Inline]:
    """
    Deal lines as they come, so many to a shard.

    Args:
        lines: What there is.

        sizes: How many a shard gets.

        most_text: Characters of URL that one may carry; it gets fewer lines then.
    """
    taken: list[LineBlock] = []
    room, text = next(sizes), most_text
    for some in lines:
        left = some
        while left.urls:
            lengths = list(accumulate(map(len, left.urls[:room])))
            fit = bisect_right(lengths, text) or int(not taken)
            if fit:
                taken.append(left.cut(0, fit))
                room, text = room - fit, text - lengths[fit - 1]
                left = left.cut(fit, len(left.urls))
            if left.urls or not room:
                yield _joined(taken)
                taken, room, text = [], next(sizes), most_text
    if taken:
        yield _joined(taken)


def deal_by_host(
    lines: Iterable[LineBlock], per_shard: float, most_text: int
) -> Iterator[Inline]:
    """
    Deal lines so that those of one host come together, as many to each shard.

    Args:
        lines: What there is; a `WINDOW` of them is looked at together.

        per_shard: How many a shard gets.

        most_text: Characters of URL that one may carry; it gets fewer lines then.
    """
    for window in _windows(lines):
        window.sort(key=_host)
        parts = max(1, round(len(window) / per_shard))
        cuts = accumulate(islice(sizes(len(window), parts), parts), initial=0)
        yield from _cut(window, cuts, most_text)


def deal_by_bytes(
    lines: Iterable[LineBlock], per_shard: float, most_text: int
) -> Iterator[Inline]:
    """
    Deal lines in their order, as many bytes to each shard.

    Args:
        lines: As for `deal_by_host`.

        per_shard: Likewise, on average.

        most_text: Likewise.
    """
    for window in _windows(lines):
        parts = max(1, round(len(window) / per_shard))
        upto = np.cumsum([max(1, line.size) for line in window])
        marks = upto[-1] * np.arange(1, parts) / parts
        cuts = np.unique([0, *np.searchsorted(upto, marks, "right"), len(window)])
        yield from _cut(window, cuts.tolist(), most_text)


def _windows(lines: Iterable[LineBlock]) -> Iterator[list[Line]]:
    every = chain.from_iterable(map(_lines_of, lines))
    while window := list(islice(every, WINDOW)):
        yield window


def _lines_of(some: LineBlock) -> Iterator[Line]:
    many = len(some.urls)
    items = map(
        Item,
        range(some.first, some.first + many),
        some.urls,
        some.destinations or repeat(""),
        some.sha256s or repeat(""),
    )
    return map(Line, items, some.sizes or repeat(0))


def _host(line: Line) -> str:
    return line.item.url.partition("//")[2].partition("/")[0].lower()


def _cut(
    window: Sequence[Line], cuts: Iterable[int], most_text: int
) -> Iterator[Inline]:
    for start, end in pairwise(cuts):
        items = sorted(line.item for line in window[start:end])
        text = accumulate(len(item.url) for item in items)
        numbered = zip((upto // most_text for upto in text), items, strict=True)
        for _, shard in groupby(numbered, itemgetter(0)):
            yield Inline.of([item for _, item in shard])


def _joined(some: Sequence[LineBlock]) -> Inline:
    ranges: list[tuple[int, int]] = []
    for lines in some:
        first, many = lines.first, len(lines.urls)
        if ranges and sum(ranges[-1]) == first:
            first, before = ranges.pop()
            many += before
        ranges.append((first, many))
    return Inline(
        tuple(ranges),
        tuple(chain.from_iterable(lines.urls for lines in some)),
        _texts(some, "destinations"),
        _texts(some, "sha256s"),
    )


def _texts(some: Sequence[LineBlock], name: str) -> tuple[str, ...]:
    columns = [(getattr(lines, name), len(lines.urls)) for lines in some]
    if not any(column for column, _ in columns):
        return ()
    return tuple(chain.from_iterable(column or [""] * many for column, many in columns))
