"""What is wrong with a list: of rows, a few shown; of all of it, an error."""

from __future__ import annotations

_SHOWN = 10


class UrlListError(ValueError):
    """The list cannot be used; says why, and which rows of it if it is some."""


class Problems:
    """
    Rows that cannot be fetched, counted; the first are kept to be shown.

    >>> problems = Problems()
    >>> problems.add(3, "bad_url: names no URL")
    >>> print(problems)
      row 3: bad_url: names no URL
    """

    def __init__(self) -> None:
        self.counts = {"bad_url": 0, "duplicate": 0}
        self._first: list[str] = []

    def __len__(self) -> int:
        return sum(self.counts.values())

    def add(self, row: int, refusal: str) -> None:
        """Count a row, with the `refusal` that its item has."""
        self.counts[refusal.partition(":")[0]] += 1
        if len(self._first) < _SHOWN:
            self._first.append(f"  row {row:,}: {refusal}")

    def __str__(self) -> str:
        more = len(self) - len(self._first)
        return "\n".join([*self._first, *[f"  ... and {more:,} more"] * bool(more)])
