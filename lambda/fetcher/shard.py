"""What goes into one execution and what comes out: the contract both sides share."""

from __future__ import annotations

import json
import math
from array import array
from dataclasses import MISSING, asdict, dataclass, field, fields
from typing import TYPE_CHECKING, Any, NamedTuple

from fetcher.outcome import CODE, ORDER, Outcome
from fetcher.source import Source, pack, source_from_dict, unpack
from fetcher.tally import Tally

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from _typeshed import DataclassInstance

SCHEMA = 1  # raise when a field changes meaning; readers refuse other numbers

# Lambda gives an execution 1,024 descriptors; some are files, pipes and the runtime's.
# https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
DESCRIPTORS = 1_024
_DESCRIPTORS_KEPT_BACK = 64
_DESCRIPTORS_PER_CONNECTION = 2  # the socket, and the file its body goes to
MAX_CONNECTIONS = (DESCRIPTORS - _DESCRIPTORS_KEPT_BACK) // _DESCRIPTORS_PER_CONNECTION

ENGINES = ("aiohttp",)
SINKS = ("discard", "directory")


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """
    How to fetch, the same for every URL of a shard.

    Attributes:
        connections: Downloads in flight at once.

        engine: Which HTTP implementation: one of `ENGINES`.

        attempts: How often a URL is tried while trying again may help.

        connect_timeout_s: Longest wait for a connection, TLS included.

        read_timeout_s: Longest silence once connected.

        total_timeout_s: Longest time for one URL, all attempts and waits included.

        max_bytes: Longest body that is accepted.

        expect_type: Start of the Content-Type wanted, as in ``image/``; empty: any.

        allow_private: Whether loopback and private addresses may be contacted.

        contact: Put into the User-Agent, so that an origin's owner can reach you.
    """

    connections: int = 100
    engine: str = "aiohttp"
    attempts: int = 3
    connect_timeout_s: float = 10.0
    read_timeout_s: float = 20.0
    total_timeout_s: float = 300.0
    max_bytes: int = 5_000_000_000
    expect_type: str = ""
    allow_private: bool = False
    contact: str = ""

    def __post_init__(self) -> None:
        """Refuse values no execution could work with."""
        check_types(self)
        if not 1 <= self.connections <= MAX_CONNECTIONS:
            msg = (
                f"connections is {self.connections:,}; it must be from 1 to "
                f"{MAX_CONNECTIONS}: an execution has {DESCRIPTORS:,} descriptors, a "
                "download takes two, and the runtime needs some. Use more executions "
                "instead."
            )
            raise ValueError(msg)
        for name in ("attempts", "max_bytes"):
            if getattr(self, name) < 1:
                msg = f"{name} is {getattr(self, name)}; it must be at least 1."
                raise ValueError(msg)
        for name in ("connect_timeout_s", "read_timeout_s", "total_timeout_s"):
            check_seconds(name, getattr(self, name))
        _one_of("engine", self.engine, ENGINES)
        if not self.contact.isprintable():
            msg = f"contact is {self.contact!r}; it must be one line of plain text."
            raise ValueError(msg)


@dataclass(frozen=True, slots=True, kw_only=True)
class SinkSpec:
    """
    Where bodies go.

    Attributes:
        kind: One of `SINKS`.

        path:
            The directory sink's folder. Empty: a scratch folder in the execution's
            own temporary storage (``/tmp`` on Lambda), removed with the shard.
    """

    kind: str = "directory"
    path: str = ""

    def __post_init__(self) -> None:
        """Refuse kinds there are none of."""
        check_types(self)
        _one_of("sink", self.kind, SINKS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shard:
    """
    The files one invocation is asked to download.

    Attributes:
        run: The run it belongs to.

        index: Position in the plan, from 0.

        wave: Which round of invocations, from 0.

        source: What to fetch. Never empty.

        sink: Where bodies go.

        options: How to fetch.

        deadline_s:
            Seconds after which the worker stops and reports what it has. The
            handler brings it forward if Lambda's own timeout would come first.
    """

    run: str
    index: int
    wave: int = 0
    source: Source
    sink: SinkSpec = field(default_factory=SinkSpec)
    options: Options = field(default_factory=Options)
    deadline_s: float = 900.0

    def __post_init__(self) -> None:
        """Refuse a shard with nothing in it, or no time to do it in."""
        if not len(self.source):
            msg = f"Shard {self.index} of run {self.run} has no URLs."
            raise ValueError(msg)
        check_seconds("deadline_s", self.deadline_s)

    def to_json(self) -> bytes:
        """Return the shard as an invocation's payload."""
        return _json(
            {
                "schema": SCHEMA,
                "run": self.run,
                "index": self.index,
                "wave": self.wave,
                "source": self.source.to_dict(),
                "sink": asdict(self.sink),
                "options": asdict(self.options),
                "deadline_s": self.deadline_s,
            }
        )

    @classmethod
    def from_dict(cls, event: Mapping[str, Any]) -> Shard:
        """
        Read a shard from an event.

        Raises:
            ValueError: If it is not a shard, is of another schema, or asks for
                something impossible.
        """
        given = _checked_schema("event", event)
        try:
            return cls(
                run=str(given["run"]),
                index=int(_number(given, "index")),
                wave=int(_number(given, "wave")),
                source=source_from_dict(given["source"]),
                sink=SinkSpec(**given["sink"]),
                options=Options(**given["options"]),
                deadline_s=_number(given, "deadline_s"),
            )
        except (KeyError, TypeError, AttributeError) as error:
            msg = f"The event is not a shard: {error!r}. See fetcher.shard.Shard."
            raise ValueError(msg) from error


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
        details = _json(self.details)
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """
    What one invocation answers.

    Moments are seconds since 1970 on the execution's own clock.

    Attributes:
        run, index, wave: Those of the shard.

        execution: Names the execution environment; the same when it is reused.

        cold: Whether this was the environment's first invocation.

        started_at: The handler was entered.

        downloading_at: The first download could start.

        downloaded_at: The last one had ended.

        tally: Counts by outcome, bytes, latencies.

        downloads: One entry a URL, in the source's order.

        cpu_s: Processor time the invocation took, user and system.

        peak_rss_bytes: Most memory the process ever held.

        engine: What fetched, with its version.
    """

    run: str
    index: int
    wave: int
    execution: str
    cold: bool
    started_at: float
    downloading_at: float
    downloaded_at: float
    tally: Tally
    downloads: Downloads
    cpu_s: float
    peak_rss_bytes: int
    engine: str

    def to_dict(self) -> dict[str, Any]:
        """Return the report as JSON fields."""
        plain = {item.name: getattr(self, item.name) for item in fields(self)}
        plain["tally"] = self.tally.to_dict()
        plain["downloads"] = self.downloads.to_dict()
        return {"schema": SCHEMA, **plain}

    @classmethod
    def from_dict(cls, given: Mapping[str, Any]) -> Report:
        """
        Read a report back.

        Raises:
            ValueError: If it is not a report, or of another schema.
        """
        plain = dict(_checked_schema("report", given))
        del plain["schema"]
        try:
            plain["tally"] = Tally.from_dict(plain["tally"])
            plain["downloads"] = Downloads.from_dict(plain["downloads"])
            return cls(**plain)
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            msg = f"This is not a report: {error!r}. See fetcher.shard.Report."
            raise ValueError(msg) from error


def check_seconds(name: str, seconds: float) -> None:
    """
    Refuse a length of time that no clock could wait.

    Raises:
        ValueError: Naming what it is, and the value.
    """
    if not (seconds > 0 and math.isfinite(seconds)):
        msg = f"{name} is {seconds}; it must be more than 0 s, and finite."
        raise ValueError(msg)


def check_types(settings: DataclassInstance) -> None:
    """
    Refuse dataclass fields of another type than their default's.

    Papermill, JSON and YAML all let a string stand where a number is due. A field
    without a plain default is left to its class.

    Raises:
        TypeError: Naming the field, its value and the type it must have.
    """
    for item in fields(settings):
        if item.default is MISSING:
            continue
        value, wanted = getattr(settings, item.name), type(item.default)
        whole_for_float = wanted is float and type(value) is int
        if type(value) is not wanted and not whole_for_float:
            msg = (
                f"{item.name} is {value!r}, a {type(value).__name__}; "
                f"it must be a {wanted.__name__}, like {item.default!r}."
            )
            raise TypeError(msg)


def _one_of(name: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        msg = f"{name} is {value!r}; it must be one of: {', '.join(allowed)}."
        raise ValueError(msg)


def _number(given: Mapping[str, Any], name: str) -> float:
    value = given[name]
    if type(value) not in (int, float):
        msg = f"{name} is {value!r}; it must be a number"
        raise TypeError(msg)
    return float(value)


def _checked_schema(what: str, given: object) -> Mapping[str, Any]:
    if not isinstance(given, dict):
        msg = f"The {what} is a {type(given).__name__}; it must be a JSON object."
        raise ValueError(msg)  # noqa: TRY004 - one kind of error for one bad event
    if given.get("schema") != SCHEMA:
        msg = (
            f"The {what} has schema {given.get('schema')!r}; this worker speaks "
            f"schema {SCHEMA}. Deploy the worker and run the notebook from one commit."
        )
        raise ValueError(msg)
    return given


def _json(plain: Mapping[Any, Any]) -> bytes:
    return json.dumps(plain, separators=(",", ":")).encode()
