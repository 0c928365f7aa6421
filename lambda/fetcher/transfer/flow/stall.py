"""Detection of downloads that have stalled or crawl."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fetcher.contract.options import Options


class StallWatch:
    """
    Watches one download from the moment its connection stands.

    Args:
        options: Longest silence, and the lowest rate over the same time, which counts
            from the first byte.
    """

    __slots__ = (
        "_checked_at",
        "_checked_size",
        "_grown_at",
        "_least",
        "_options",
        "_size",
    )

    def __init__(self, options: Options, now: float) -> None:
        self._options = options
        self._least = options.min_bytes_per_s * options.read_timeout_s
        self._size = self._checked_size = 0
        self._grown_at = self._checked_at = now

    def stalled(self, size: int, now: float) -> str:
        """
        Return why the download counts as stalled; empty: it does not.

        `size` counts the bytes received so far, on the same scale at every call.
        """
        window = self._options.read_timeout_s
        if size != self._size:
            if not self._size:  # a slow start is forgiven: it is silence, no crawl
                self._checked_size, self._checked_at = size, now
            self._size, self._grown_at = size, now
        elif now - self._grown_at >= window:
            return f"nothing came for {window:g} s"
        if self._size and self._least and now - self._checked_at >= window:
            received = size - self._checked_size
            self._checked_size, self._checked_at = size, now
            if received < self._least:
                least = self._options.min_bytes_per_s
                return (
                    f"expected {least:,} bytes/s at least, got {received:,} bytes "
                    f"in {window:g} s"
                )
        return ""
