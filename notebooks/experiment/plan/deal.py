"""URLs dealt into shards: by count, by bytes, or by host."""

from __future__ import annotations

from bisect import bisect_right
from itertools import accumulate, chain, groupby, islice, pairwise, repeat
from operator import itemgetter
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from fetcher.contract.source import Inline, Item

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from experiment.plan.sizes import OfLines
    from experiment.plan.url_file import LineBlock
    from fetcher.contract.source import Ranges

WINDOW = 2**16  # lines dealt together: the more, the fewer shards share a host


class Line(NamedTuple):
    """
    One line of a list.

    Attributes:
        item: The URL and its destination.

        size: In bytes; 0: unknown.
    """

    item: Item
    size: int


def deal_ranges(
    ranges: Iterable[tuple[int, int]], sizes: Iterator[int]
) -> Iterator[Ranges]:
    """
    Cut ranges into parts with the given counts of numbers.

    >>> list(deal_ranges([(0, 2), (5, 3)], iter([3, 2, 2])))
    [((0, 2), (5, 1)), ((6, 2),)]
    """
    part: list[tuple[int, int]] = []
    room = next(sizes)
    for first, length in ranges:
        at, end = first, first + length
        while at < end:
            here = min(end - at, room)
            part.append((at, here))
            at, room = at + here, room - here
            if not room:
                yield tuple(part)
                part, room = [], next(sizes)
    if part:
        yield tuple(part)


def deal_in_order(
    lines: Iterable[LineBlock], sizes: Iterator[int], most_text: int
) -> Iterator[Inline]:
    """
    Deal lines in order, a given number to each shard.

    Args:
        lines: All lines.

        sizes: The number for each shard.

        most_text: Limit for the characters of URLs in a shard; it may lower the number.
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
    lines: Iterable[LineBlock], sizes: OfLines, most_text: int
) -> Iterator[Inline]:
    """
    Deal lines so that those of one host come together, a given number to each shard.

    Args:
        lines: All lines; each `WINDOW` of them is dealt by itself.

        sizes: The number for each shard.

        most_text: Limit for the characters of URLs in a shard; it may lower the number.
    """
    for window in _windows(lines):
        window.sort(key=_host)
        cuts = accumulate(sizes(len(window)), initial=0)
        yield from _cut(window, cuts, most_text)


def deal_by_bytes(
    lines: Iterable[LineBlock], sizes: OfLines, most_text: int
) -> Iterator[Inline]:
    """
    Deal lines in order, a share of the bytes to each shard.

    Args:
        lines: As for `deal_by_host`.

        sizes: The number for each shard if all lines were alike.

        most_text: As for `deal_by_host`.
    """
    for window in _windows(lines):
        upto = np.cumsum([max(1, line.size) for line in window])
        shares = np.cumsum(list(sizes(len(window))))[:-1] / len(window)
        marks = upto[-1] * shares
        cuts = np.unique([0, *np.searchsorted(upto, marks, "right"), len(window)])
        yield from _cut(window, cuts.tolist(), most_text)


def _windows(lines: Iterable[LineBlock]) -> Iterator[list[Line]]:
    every = chain.from_iterable(map(_lines_of, lines))
    while window := list(islice(every, WINDOW)):
        yield window


def _lines_of(some: LineBlock) -> Iterator[Line]:
    count = len(some.urls)
    items = map(
        Item,
        range(some.first, some.first + count),
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
        first, count = lines.first, len(lines.urls)
        if ranges and sum(ranges[-1]) == first:
            first, before = ranges.pop()
            count += before
        ranges.append((first, count))
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
    return tuple(
        chain.from_iterable(column or [""] * length for column, length in columns)
    )
