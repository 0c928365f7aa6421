"""Places: how many downloads may be at work, and how many may be open."""

from __future__ import annotations

from fetcher.transfer.flow.left import Left

_LEAST_BYTES = 1_000  # fewer are no sign of life: a drip of a byte a second is silent
# One in twenty URLs of a real list holds its connection for 20 s where a good one takes
# half a second: as many places as there are at work would all be held within seconds.
_OPEN_PER_PLACE = 8


class Places:
    """
    Count of the downloads in flight.

    Connections count work, not waits: a download from which nothing has come for a
    second gives its place to another. When it is heard of again it counts again, and
    nobody starts until those at work are fewer than the connections.

    Args:
        connections: Most at work when one starts.

        room: Most in flight that the process has descriptors for.

    Attributes:
        most_open: Most in flight, the silent included.

        connections: As above.

        open: In flight.

        silent: Those of them that have given their place back.
    """

    __slots__ = ("connections", "most_open", "open", "silent")

    def __init__(self, connections: int, room: int) -> None:
        self.connections = connections
        self.most_open = max(connections, min(_OPEN_PER_PLACE * connections, room))
        self.open = self.silent = 0

    @property
    def is_full(self) -> bool:
        """Whether nobody may start."""
        return (
            self.open - self.silent >= self.connections or self.open >= self.most_open
        )

    @property
    def are_all_silent(self) -> bool:
        """Whether nobody in flight is at work."""
        return self.open == self.silent

    def left(self, put_off: int, waiting: int) -> Left:
        """Return what is under way, with those that were silent or wait for hosts."""
        return Left(self.open - self.silent, self.silent + put_off, waiting)


def is_word(before: int, received: int) -> bool:
    """
    Tell whether the bytes received since are a sign of life.

    >>> is_word(0, 1), is_word(300, 301), is_word(300, 1_300)
    (True, False, True)
    """
    return received - before >= (_LEAST_BYTES if before else 1)
