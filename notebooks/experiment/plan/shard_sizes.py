"""How many URLs each shard of a wave gets: equal numbers, or fewer towards the end."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import chain, islice, repeat
from typing import TYPE_CHECKING

from experiment.parameters.fan_out import FALLING
from fetcher.transfer.flow.adaptive_limit import FIRST

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Protocol, TypeAlias

    class Fleet(Protocol):
        """What of settings tells how URLs are dealt."""

        @property
        def concurrency(self) -> int: ...  # noqa: D102 - as in FanOutSettings
        @property
        def connections(self) -> int: ...  # noqa: D102
        @property
        def shard_sizes(self) -> str: ...  # noqa: D102
        @property
        def shards(self) -> int: ...  # noqa: D102

    # Of a list dealt some lines at a time: sizes that sum to such a number of lines.
    OfLines: TypeAlias = Callable[[int], Iterator[int]]

# Guided self-scheduling (Polychronopoulos and Kuck, 1987), with factoring's half of
# what is left a round (Hummel, Schonberg and Flynn, 1992).
_ROUNDS = 2
_LEAST_SHARE = 0.25  # of the largest: to start an execution takes its time, too
_LEAST_PER_CONNECTION = 4  # files: with fewer, a shard is all beginning and end
_MOST_FILES = 100_000  # per shard: a report on more may exceed the response limit
# Eight silent downloads wait in each place; half of those tried before end at once.
_TRIED_PER_CONNECTION = 16


def sizes(count: int, parts: int) -> Iterator[int]:
    """
    Yield sizes that differ by at most one, the larger first, without end.

    >>> list(islice(sizes(5, parts=2), 3))
    [3, 2, 2]
    """
    small, extra = divmod(count, parts)
    return chain(repeat(small + 1, extra), repeat(max(small, 1)))


@dataclass(frozen=True)
class EqualSizes:
    """Sizes that differ by at most one."""

    count: int
    shards: int

    @property
    def most(self) -> int:
        """The largest."""
        return -(-self.count // self.shards)

    def __iter__(self) -> Iterator[int]:
        """Yield them, without end: a count may be an estimate."""
        return sizes(self.count, self.shards)

    def of_lines(self) -> OfLines:
        """
        Return the same for a list dealt some lines at a time.

        >>> list(EqualSizes(100, 25).of_lines()(10))
        [5, 5]
        """

        def of(lines: int) -> Iterator[int]:
            parts = max(1, round(lines * self.shards / self.count))
            return islice(sizes(lines, parts), parts)

        return of


@dataclass(frozen=True)
class FallingSizes:
    """
    Sizes that fall towards the end, so that no execution is left with much to do.

    Each time an execution is free, it gets its share of half of what is left. One that
    started late, or is slow, so holds up the others less.

    >>> list(islice(FallingSizes(100, 12, 4, executions=3), 12))
    [12, 12, 12, 11, 9, 8, 6, 5, 5, 4, 4, 4]

    Attributes:
        count: Of all URLs.

        most, least: The limits of a shard.

        executions: How many are at work.
    """

    count: int
    most: int
    least: int
    executions: int

    @classmethod
    def of(cls, count: int, shards: int, executions: int, least: int) -> FallingSizes:
        """Return sizes up to those of so many equal shards, and of at least `least`."""
        most = -(-count // shards)
        least = min(most, max(least, round(most * _LEAST_SHARE)))
        return cls(count, most, least, executions)

    @property
    def parts(self) -> int:
        """Into how many parts what is left is divided, for the next shard."""
        return _ROUNDS * self.executions

    @property
    def whole(self) -> int:
        """How many are as large as the first, at least."""
        return max(0, self.count // self.most - self.parts)

    @cached_property
    def shards(self) -> int:
        """How many there are."""
        rest = self._fall(self.count - self.whole * self.most)
        return self.whole + sum(1 for _ in rest)

    def _fall(self, left: int) -> Iterator[int]:
        while left > 0:
            size = max(self.least, min(self.most, -(-left // self.parts)))
            yield min(size, left)
            left -= size

    def __iter__(self) -> Iterator[int]:
        """Yield them, without end: a count may be an estimate."""
        return chain(self._fall(self.count), repeat(self.least))

    def of_lines(self) -> OfLines:
        """
        Return the same for a list dealt some lines at a time.

        >>> list(FallingSizes(100, 12, 4, executions=3).of_lines()(30))
        [12, 12, 6]
        """
        falling = iter(self)

        def of(lines: int) -> Iterator[int]:
            while lines > 0:
                size = min(next(falling), lines)
                yield size
                lines -= size

        return of


def sizes_for(settings: Fleet, count: int, tried: int = 0) -> EqualSizes | FallingSizes:
    """
    Return the sizes of the shards of a wave.

    URLs that were silent before, or failed, mostly wait, many at once: for them one
    execution does as well as many.
    """
    connections = settings.connections or FIRST
    least, shards = _LEAST_PER_CONNECTION * connections, count
    if tried:
        waiting = -(-tried // (_TRIED_PER_CONNECTION * connections))
        shards = max(waiting, -(-(count - tried) // least))
    shards = max(min(settings.shards, shards), -(-count // _MOST_FILES))
    if tried or settings.shard_sizes != FALLING or settings.concurrency == 1:
        return EqualSizes(count, shards)
    falling = FallingSizes.of(count, shards, settings.concurrency, least)
    return EqualSizes(count, shards) if falling.least == falling.most else falling
