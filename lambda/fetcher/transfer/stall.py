"""How fast a body comes: tells a download that has stalled."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fetcher.contract.options import Options


class Pace:
    """
    Watches one download from the moment its connection stands.

    Args:
        options: Longest silence, and the least bytes a second over as long.

        now: A monotonic clock's seconds.
    """

    __slots__ = ("_at", "_least", "_mark", "_mark_at", "_options", "_size")

    def __init__(self, options: Options, now: float) -> None:
        self._options = options
        self._least = options.min_bytes_per_s * options.read_timeout_s
        self._size = self._mark = 0
        self._at = self._mark_at = now

    def stalled(self, size: int, now: float) -> str:
        """
        Say why the download counts as stalled; nothing if it does not.

        Args:
            size: Bytes that have come so far, on the same scale at every call.

            now: As the clock stands.
        """
        window = self._options.read_timeout_s
        if size != self._size:
            self._size, self._at = size, now
        elif now - self._at >= window:
            return f"nothing came for {window:g} s"
        if self._least and now - self._mark_at >= window:
            came, self._mark, self._mark_at = size - self._mark, size, now
            if came < self._least:
                least = self._options.min_bytes_per_s
                return (
                    f"expected {least:,} bytes/s at least, got {came:,} bytes "
                    f"in {window:g} s"
                )
        return ""
