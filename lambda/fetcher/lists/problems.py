"""What is wrong with a list: of rows, a few shown; of all of it, an error."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

_SHOWN = 10
SHAPES = (  # said of a list of which most rows are bad
    "\nA list is text, a URL a line; CSV or TSV whose first line names a column url; "
    "JSON lines, an object a line; or Parquet."
)


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


def remarks_in(words: Mapping[str, Any]) -> list[str]:
    """
    Return what is to be said of a list that has been read.

    >>> remarks_in({"skipped": 2, "foreign": 0})
    ['2 lines are no rows: they are blank, or comments.']
    """
    what = {
        "skipped": "lines are no rows: they are blank, or comments.",
        "foreign": "places are not UTF-8; they were read as Latin-1.",
        "bad": f"rows are no URLs, or repeat others:\n{words.get('problems')}",
    }
    counts = {name: words.get(name, 0) for name in what}
    return [f"{n:,} {what[name]}" for name, n in counts.items() if n]
