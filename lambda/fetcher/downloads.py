"""What became of each URL of a shard, as columns that travel small."""

from __future__ import annotations

import json
from array import array
from typing import TYPE_CHECKING, Any, NamedTuple

from fetcher.outcome import CODE, ORDER, Outcome
from fetcher.source import pack, unpack

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


class Download(NamedTuple):
    """
    What became of one URL.

    Attributes:
        outcome: How it ended.

        status: The last HTTP status seen; 0: none.

        body_bytes: Bytes of the last body that arrived.

        started_s: When it was first tried, in seconds from the shard's start.

        seconds: From then to its end, waits between attempts included.

        attempts: How often it was tried.

        detail: For a person: what was expected, what came. Empty when `ok`.

        path: Where the body is; empty: not kept.
    """

    outcome: Outcome
    status: int = 0
    body_bytes: int = 0
    started_s: float = 0.0
    seconds: float = 0.0
    attempts: int = 0
    detail: str = ""
    path: str = ""


_COLUMNS = {
    "outcome": "B",
    "status": "H",
    "body_bytes": "Q",
    "started_s": "f",
    "seconds": "f",
    "attempts": "B",
}
_MOST_COUNTED = {"status": 2**16 - 1, "attempts": 2**8 - 1}

# A report must stay below the 6 MB that Lambda answers with, whatever went wrong:
# this much text of different details, which may not deflate, leaves the columns of
# 100,000 URLs their room.
_DETAILS_ROOM = 1_500_000  # bytes


def most_bytes(many: int) -> int:
    """
    Return how large the downloads of so many URLs can get in a report, in bytes.

    Deflating is not counted on; base64 makes four bytes of three.
    """
    row = sum(array(kind).itemsize for kind in _COLUMNS.values())
    return (many * row + _DETAILS_ROOM) * 4 // 3


class Downloads:
    """
    The downloads of one shard, a column a field, in the source's order.

    Before anything is set, every URL is `unstarted`: whatever happens, each has
    exactly one outcome. Details that were not met before are kept while there is room
    for them in a report; outcome and status always are.
    """

    def __init__(self, many: int) -> None:
        self.columns: dict[str, Any] = {
            name: array(kind, bytes(array(kind).itemsize * many))
            for name, kind in _COLUMNS.items()
        }
        self.columns["outcome"] = array("B", [CODE[Outcome.UNSTARTED]]) * many
        self.details: dict[int, str] = {}
        self._known: set[str] = set()
        self._room = _DETAILS_ROOM

    def __len__(self) -> int:
        return len(self.columns["outcome"])

    def __setitem__(self, index: int, download: Download) -> None:
        columns = self.columns
        columns["outcome"][index] = CODE[download.outcome]
        columns["status"][index] = min(download.status, _MOST_COUNTED["status"])
        columns["body_bytes"][index] = download.body_bytes
        columns["started_s"][index] = download.started_s
        columns["seconds"][index] = download.seconds
        columns["attempts"][index] = min(download.attempts, _MOST_COUNTED["attempts"])
        self._keep(index, download.detail)

    def __getitem__(self, index: int) -> Download:
        columns = self.columns
        return Download(
            outcome=ORDER[columns["outcome"][index]],
            detail=self.details.get(index, ""),
            status=columns["status"][index],
            body_bytes=columns["body_bytes"][index],
            started_s=columns["started_s"][index],
            seconds=columns["seconds"][index],
            attempts=columns["attempts"][index],
        )

    def __iter__(self) -> Iterator[Download]:
        return (self[index] for index in range(len(self)))

    def _keep(self, index: int, detail: str) -> None:
        known = detail in self._known
        size = 0 if known else len(detail.encode(errors="surrogatepass"))
        if detail and size <= self._room:
            self._room -= size
            self._known.add(detail)
            self.details[index] = detail

    def to_dict(self) -> dict[str, Any]:
        """Return the columns, little-endian and deflated, as JSON fields."""
        raw = b"".join(column.tobytes() for column in self.columns.values())
        details = json.dumps(self.details, separators=(",", ":")).encode()
        return {"many": len(self), "columns": pack(raw), "details": pack(details)}

    @classmethod
    def from_dict(cls, given: Mapping[str, Any]) -> Downloads:
        """Read back what `to_dict` gave."""
        downloads = cls(given["many"])
        raw = unpack(given["columns"])
        start = 0
        for name, kind in _COLUMNS.items():
            end = start + array(kind).itemsize * given["many"]
            downloads.columns[name] = array(kind, raw[start:end])
            start = end
        if start != len(raw):
            msg = f"The columns are {len(raw):,} bytes; {start:,} were expected."
            raise ValueError(msg)
        details = json.loads(unpack(given["details"]))
        downloads.details = {int(index): text for index, text in details.items()}
        return downloads
