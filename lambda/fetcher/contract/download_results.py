"""How each URL of a shard ended, as columns that travel small."""

from __future__ import annotations

import json
import struct
from array import array
from collections import Counter
from functools import partial
from itertools import accumulate, compress, starmap
from typing import TYPE_CHECKING, Any, NamedTuple

from fetcher.contract.compressed_text import pack, unpack
from fetcher.contract.outcome import CODE, ORDER, Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from fetcher.contract.tally import Tally


class Download(NamedTuple):
    """
    How one URL, or one try of it, ended.

    Engines and sinks leave `path` and what follows to the loop, which fills them in.

    Attributes:
        outcome: One of the closed list.

        status: The last HTTP status seen; 0: none.

        body_bytes: Bytes of the last body that arrived.

        content_type: Content-Type as the origin sent it; empty: none came.

        found_type: Type that the body's first bytes show; empty: none that is known.

        sha256: Digest of the body in hex; empty: not taken.

        width, height: Of a picture, in pixels; 0: not known.

        detail: For a person: what was expected, what came. Empty when `ok`.

        retry_after_s: How long the origin asked us to wait; 0: it did not.

        path: Where the body is; empty: not kept.

        started_s: Time of the first try, in seconds from the shard's start.

        seconds: From then to its end, waits between tries included.

        attempts: Number of tries.
    """

    outcome: Outcome
    status: int = 0
    body_bytes: int = 0
    content_type: str = ""
    found_type: str = ""
    sha256: str = ""
    width: int = 0
    height: int = 0
    detail: str = ""
    retry_after_s: float = 0.0
    path: str = ""
    started_s: float = 0.0
    seconds: float = 0.0
    attempts: int = 0

    @classmethod
    def refused(cls, refusal: str) -> Download:
        """
        Return how an item ends that has a `refusal`.

        >>> Download.refused("duplicate: repeats the URL of row 1").detail
        'repeats the URL of row 1'
        """
        outcome, _, detail = refusal.partition(": ")
        return cls(Outcome(outcome), detail=detail)


# For every file: `_make` and calls by name take two and four times as long.
made: Callable[[tuple[Any, ...]], Download] = partial(tuple.__new__, Download)

TICKS_PER_S = 100_000  # resolution of times: anything finer is noise
FIELDS = {  # of a row, in order, each with its type as `struct` has it
    "outcome": "B",
    "status": "H",
    "body_bytes": "Q",
    "started_ticks": "I",
    "ticks": "I",
    "attempts": "B",
    "content_type": "B",  # a position in `Downloads.types`
    "found_type": "B",
}
_NEWER = ("content_type", "found_type")  # reports of 0.1.0 lack them
_ROW = struct.Struct("<" + "".join(FIELDS.values()))
_SIZES = {name: struct.calcsize(f"<{kind}") for name, kind in FIELDS.items()}
_ENDS = zip(_SIZES.items(), accumulate(_SIZES.values()), strict=True)
_PLACES = {name: range(end - size, end) for (name, size), end in _ENDS}
_MAX_VALUES = [256**size - 1 for size in _SIZES.values()]
_UNSTARTED = _ROW.pack(CODE[Outcome.UNSTARTED], *[0] * (len(FIELDS) - 1))
_MOST_TYPES = 256  # that a byte can tell apart
_IS_ENDED = bytes(code != CODE[Outcome.UNSTARTED] for code in range(256))
_IS_OK = bytes(code == CODE[Outcome.OK] for code in range(256))

# A report must stay below the 6 MB that Lambda answers with, whatever went wrong.
# This much text, even if it does not deflate, leaves room for 100,000 rows.
_MAX_DETAILS_BYTES = 1_500_000
NO_ROOM = "the shard's report had no room for this detail"


class _TypeCodes(dict[str, int]):
    """Positions of types in a list, to which new ones are added; 0 once it is full."""

    def __init__(self, types: list[str]) -> None:
        super().__init__((name, code) for code, name in enumerate(types))
        self._types = types

    def __missing__(self, name: str) -> int:
        if len(self) == _MOST_TYPES:
            return 0
        self._types.append(name)
        return self.setdefault(name, len(self))


def max_report_bytes(count: int) -> int:
    """
    Return the most bytes that the downloads of so many URLs take in a report.

    It does not count on compression; base64 makes four bytes of three.
    """
    return (count * _ROW.size + _MAX_DETAILS_BYTES) * 4 // 3


class Downloads:
    """
    The downloads of one shard, a row each, in the source's order.

    At first every URL is `unstarted`, so each has exactly one outcome whatever happens.
    New details are kept while there is room for them in a report, after that each is
    `NO_ROOM`; of types, the first 255; outcome and status always are.

    Attributes:
        rows: One after the other, each packed as `FIELDS` say, little-endian.

        types: Content types that rows name by their position here; the first is empty.
    """

    def __init__(self, count: int) -> None:
        self.rows = bytearray(_UNSTARTED * count)
        self.details: dict[int, str] = {}
        self.types = [""]
        self._type_codes = _TypeCodes(self.types)
        self._known: set[str] = set()
        self._room = _MAX_DETAILS_BYTES

    def __len__(self) -> int:
        return len(self.rows) // _ROW.size

    def __setitem__(self, index: int, download: Download) -> None:
        outcome, status, body_bytes, told, found = download[:5]
        started_s, seconds, attempts = download[-3:]
        started, ticks = round(started_s * TICKS_PER_S), round(seconds * TICKS_PER_S)
        code, types = CODE[outcome], (self._type_codes[told], self._type_codes[found])
        row = code, status, body_bytes, started, ticks, attempts, *types
        try:
            _ROW.pack_into(self.rows, index * _ROW.size, *row)
        except struct.error:  # a figure too large for its column is capped
            _ROW.pack_into(self.rows, index * _ROW.size, *map(min, row, _MAX_VALUES))
        if download.detail:
            self._keep_detail(index, download.detail)

    def __getitem__(self, index: int) -> Download:
        return self._read(index, _ROW.unpack_from(self.rows, index * _ROW.size))

    def __iter__(self) -> Iterator[Download]:
        return starmap(self._read, enumerate(_ROW.iter_unpack(self.rows)))

    def begun(self) -> list[int]:
        """Return the positions of those that ended, or have a detail, ascending."""
        (codes,) = self._planes("outcome")
        ended = compress(range(len(self)), codes.translate(_IS_ENDED))
        return sorted({*ended, *self.details})

    def _read(self, index: int, row: tuple[int, ...]) -> Download:
        code, status, body_bytes, started, ticks, attempts, told, found = row
        return Download(
            outcome=ORDER[code],
            status=status,
            body_bytes=body_bytes,
            started_s=started / TICKS_PER_S,
            seconds=ticks / TICKS_PER_S,
            attempts=attempts,
            detail=self.details.get(index, ""),
            content_type=self.types[told],
            found_type=self.types[found],
        )

    def _keep_detail(self, index: int, detail: str) -> None:
        known = detail in self._known
        size = 0 if known else len(detail.encode(errors="surrogatepass"))
        if size > self._room:
            detail, size = NO_ROOM, 0  # which deflates to nothing
        self._room -= size
        self._known.add(detail)
        self.details[index] = detail

    def tally(self) -> Tally:
        """Return the totals."""
        from fetcher.contract.tally import Histogram, Tally  # noqa: PLC0415 - dataclasses

        (codes,) = self._planes("outcome")
        is_ok = codes.translate(_IS_OK)
        latency = Histogram()
        for ticks, count in Counter(compress(self._column("ticks"), is_ok)).items():
            latency.add(ticks / TICKS_PER_S, count)
        return Tally(
            Counter({ORDER[code]: codes.count(code) for code in set(codes)}),
            sum(compress(self._column("body_bytes"), is_ok)),
            latency,
        )

    def _column(self, name: str) -> array[int]:
        size = _SIZES[name]
        values = bytearray(size * len(self))
        for place, plane in enumerate(self._planes(name)):
            values[place::size] = plane
        return array(FIELDS[name], bytes(values))

    def _planes(self, name: str) -> list[bytearray]:
        """Return the lowest bytes of a column, then the next higher ones, ..."""
        return [self.rows[place :: _ROW.size] for place in _PLACES[name]]

    def to_dict(self) -> dict[str, Any]:
        """
        Return the columns as JSON fields.

        A column of one repeated value is that value. Others are stored as planes: first
        the lowest bytes of all values, then the next. Higher bytes hardly differ, so
        they deflate to nothing.
        """
        columns: dict[str, int | str] = {}
        for name in FIELDS:
            planes = self._planes(name)
            if all(plane.count(plane[:1]) == len(plane) for plane in planes):
                value = b"".join(plane[:1] for plane in planes)
                columns[name] = int.from_bytes(value, "little")
            else:
                columns[name] = pack(b"".join(planes))
        details = json.dumps(self.details, separators=(",", ":")).encode()
        return {
            "many": len(self),
            "columns": columns,
            "details": pack(details),
            "types": self.types,
        }

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Downloads:
        """
        Read back what `to_dict` returned.

        Raises:
            ValueError: If a column does not have a value for each row.
        """
        count = fields["many"]
        downloads = cls(count)
        columns = dict.fromkeys(_NEWER, 0) | fields["columns"]
        for name in FIELDS:
            planes = _planes_of(columns[name], _SIZES[name], count)
            for place, plane in zip(_PLACES[name], planes, strict=True):
                downloads.rows[place :: _ROW.size] = plane
        (codes,) = downloads._planes("outcome")
        if max(codes, default=0) >= len(ORDER):
            msg = f"There is no outcome {max(codes)}; there are {len(ORDER)}."
            raise ValueError(msg)
        downloads.types = list(fields.get("types", [""]))
        downloads._type_codes = _TypeCodes(downloads.types)
        for name in _NEWER:
            (codes,) = downloads._planes(name)
            if max(codes, default=0) >= len(downloads.types):
                msg = f"There is no type {max(codes)} among {len(downloads.types)}."
                raise ValueError(msg)
        details = json.loads(unpack(fields["details"]))
        downloads.details = {int(index): text for index, text in details.items()}
        return downloads


def _planes_of(packed: int | str, size: int, count: int) -> list[bytes]:
    if isinstance(packed, int):
        value = (packed % 256**size).to_bytes(size, "little")
        return [bytes([byte]) * count for byte in value]
    raw = unpack(packed)
    if len(raw) != size * count:
        msg = f"A column is {len(raw):,} bytes; {size * count:,} were expected."
        raise ValueError(msg)
    return [raw[place * count : (place + 1) * count] for place in range(size)]
