"""
URLs dealt into shards: by count, by bytes, or by host.

`most_text` limits the characters of URLs, and of columns that shards take along, in a
shard, so a shard may get fewer URLs.
"""

from __future__ import annotations

from bisect import bisect_right
from itertools import accumulate, chain, groupby, islice, pairwise, takewhile
from operator import itemgetter
from statistics import fmean
from typing import TYPE_CHECKING

import numpy as np

from fetcher.contract.inline_source import Inline

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from experiment.plan.shard_sizes import EqualSizes, FallingSizes, OfLines
    from fetcher.contract.source import Item, Ranges
    from fetcher.lists.url_list import RowBlock

WINDOW = 2**16  # rows dealt together: the more, the fewer shards share a host
_MOST_CARRIED = 2**20  # characters of a row: an event of Lambda's has 6 MB at most


def as_sent(rows: RowBlock, *, keeps_columns: bool) -> RowBlock:
    """
    Return rows as shards take them along: with their columns if the sink keeps them.

    Those that carry more than 1,048,576 characters lose that: a shard of such a row
    alone might exceed what Lambda takes. Its URL is fetched.
    """
    if not keeps_columns:
        return rows._replace(carried=())
    if max(map(len, rows.carried), default=0) <= _MOST_CARRIED:
        return rows
    kept = [one if len(one) <= _MOST_CARRIED else "" for one in rows.carried]
    return rows._replace(carried=kept)


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


def shards_of_text(
    sizes: EqualSizes | FallingSizes, per_row: float, most_text: int, *, in_order: bool
) -> int:
    """
    Return into how many shards a list is dealt whose rows have so many characters.

    >>> from experiment.plan.shard_sizes import EqualSizes
    >>> shards_of_text(EqualSizes(100, 10), 16, 64, in_order=True)
    25
    """
    fit, count = max(1, int(most_text // per_row)), sizes.count
    if in_order:
        upto = accumulate(min(size, fit) for size in sizes)
        return 1 + sum(1 for _ in takewhile(count.__gt__, upto))
    of = sizes.of_lines()
    windows = (min(WINDOW, count - start) for start in range(0, count, WINDOW))
    return sum(-(-size // fit) for lines in windows for size in of(lines))


def deal_in_order(
    rows: Iterable[RowBlock], sizes: Iterator[int], most_text: int
) -> Iterator[Inline]:
    """Deal rows in order, a given number to each shard."""
    taken: list[RowBlock] = []
    room, text = next(sizes), most_text
    for some in rows:
        left = some
        while left.urls:
            here = left.cut(0, room)
            lengths = list(accumulate(characters(here)))
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


def characters(rows: RowBlock) -> Iterator[int]:
    """Yield the characters that each row takes in a shard."""
    if not rows.carried:
        return map(len, rows.urls)
    return map(int.__add__, map(len, rows.urls), map(len, rows.carried))


def deal_by_host(
    rows: Iterable[RowBlock], sizes: OfLines, most_text: int
) -> Iterator[Inline]:
    """Deal rows so that those of a host come together, each `WINDOW` by itself."""
    every = chain.from_iterable(block.items() for block in rows)
    while window := list(islice(every, WINDOW)):
        window.sort(key=_host)
        cuts = accumulate(sizes(len(window)), initial=0)
        yield from _cut(window, cuts, most_text)


def deal_by_bytes(
    rows: Iterable[tuple[RowBlock, Sequence[int]]], sizes: OfLines, most_text: int
) -> Iterator[Inline]:
    """
    Deal rows in order, with shares of the bytes as `sizes` are of alike lines.

    Rows come with the sizes of their files. One whose size is not known, 0, counts as
    the mean of those known in its `WINDOW`.
    """
    pairs = (zip(block.items(), told, strict=True) for block, told in rows)
    every = chain.from_iterable(pairs)
    while window := list(islice(every, WINDOW)):
        known = [size for _, size in window if size]
        typical = fmean(known or [1])
        upto = np.cumsum([size or typical for _, size in window])
        shares = np.cumsum(list(sizes(len(window))))[:-1] / len(window)
        marks = upto[-1] * shares
        cuts = np.unique([0, *np.searchsorted(upto, marks, "right"), len(window)])
        items = [item for item, _ in window]
        yield from _cut(items, cuts.tolist(), most_text)


def _host(item: Item) -> str:
    return item.url.partition("//")[2].partition("/")[0].lower()


def _cut(
    window: Sequence[Item], cuts: Iterable[int], most_text: int
) -> Iterator[Inline]:
    for start, end in pairwise(cuts):
        items = sorted(window[start:end])
        text = accumulate(len(item.url) + len(item.carried) for item in items)
        numbered = zip((upto // most_text for upto in text), items, strict=True)
        for _, shard in groupby(numbered, itemgetter(0)):
            yield Inline.of([item for _, item in shard], keeps_columns=True)


def _joined(some: Sequence[RowBlock]) -> Inline:
    ranges: list[tuple[int, int]] = []
    for rows in some:
        first, count = rows.first, len(rows.urls)
        if ranges and sum(ranges[-1]) == first:
            first, before = ranges.pop()
            count += before
        ranges.append((first, count))
    names = ("destinations", "sha256s", "refusals", "carried")
    return Inline(
        tuple(ranges),
        tuple(chain.from_iterable(rows.urls for rows in some)),
        *(_texts(some, name) for name in names),
    )


def _texts(some: Sequence[RowBlock], name: str) -> tuple[str, ...]:
    columns = [(getattr(rows, name), len(rows.urls)) for rows in some]
    if not any(column for column, _ in columns):
        return ()
    return tuple(
        chain.from_iterable(column or [""] * length for column, length in columns)
    )
