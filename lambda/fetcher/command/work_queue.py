"""Work dealt to processes through a pipe, from which each takes its next rows."""

from __future__ import annotations

import os
import select
import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_DEAL = struct.Struct("=QQ")  # position of the first, how many
_AT_ONCE = select.PIPE_BUF // _DEAL.size  # a pipe takes these all or none
_MOST = 64  # positions: so few that all processes end at about the same time
_FEWEST_DEALS = 32  # for each process


class Deals:
    """
    A pipe that holds some of the positions not dealt yet.

    Reading one deal is a single step for the system, so nobody needs a lock.

    Args:
        count: How many positions there are, about.

        processes: How many will take some.

    Attributes:
        pipe: The end to write to.

        is_open: Whether this process may still offer some.
    """

    def __init__(self, count: int, processes: int) -> None:
        size = max(1, min(count // (processes * _FEWEST_DEALS), _MOST))
        self._size = size
        self._next = 0
        self._taken, self.pipe = os.pipe()
        self.is_open = True
        os.set_blocking(self.pipe, False)

    def offer(self, end: int | None) -> bool:
        """
        Write as many as there is room for; return whether there are more.

        Args:
            end: The position after the last; None: that is not known yet, and deals
                may lie beyond it.
        """
        step = self._size * _AT_ONCE
        try:
            while end is None or self._next < end:
                upto = self._next + step if end is None else min(self._next + step, end)
                starts = range(self._next, upto, self._size)
                deals = [_DEAL.pack(at, min(self._size, upto - at)) for at in starts]
                os.write(self.pipe, b"".join(deals))
                self._next = upto
        except BlockingIOError:
            return True
        except BrokenPipeError:  # nobody is left to take them
            pass
        return False

    def taken(self) -> Iterator[tuple[int, int]]:
        """Yield deals until none are left: position of the first, how many."""
        while deal := os.read(self._taken, _DEAL.size):
            first, count = _DEAL.unpack(deal)
            yield first, count

    def end(self) -> None:
        """Close the end to write to: until all are closed, there may be more."""
        if self.is_open:
            os.close(self.pipe)
            self.is_open = False

    def only_offer(self) -> None:
        """Close the end to read from: once all are closed, nobody takes any."""
        os.close(self._taken)
