"""The messages of one invocation: a shard goes in, a report comes out."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, fields
from typing import TYPE_CHECKING, Any

from fetcher.contract.download_results import Downloads
from fetcher.contract.inline_source import Inline
from fetcher.contract.options import (
    DESCRIPTORS,
    MAX_CONNECTIONS,
    Options,
    SinkSpec,
    check_seconds,
)
from fetcher.contract.tally import Tally
from fetcher.contract.template_source import Template

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from fetcher.contract.source import Source

SCHEMA = 2  # raise when a field changes meaning; readers refuse other numbers
MOST_HOSTS_BYTES = 65_536  # of names in a message, of the 6 MB that Lambda takes
_BYTES_BESIDE_HOST = 8
_SOURCES: dict[str, type[Template | Inline]] = {
    "template": Template,
    "inline": Inline,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Shard:
    """
    The files one invocation is asked to download.

    >>> from fetcher.contract.template_source import Template
    >>> urls = Template("http://h/{number}.jpg", ((0, 500),))
    >>> len(Shard(run="trial", index=0, source=urls).source)
    500

    Attributes:
        index: Position in the plan, from 0.

        wave: Round of invocations, from 0.

        source: What to fetch. Never empty.

        deadline_s:
            Seconds after which the worker stops and reports what it has; earlier if
            Lambda's own timeout would come first.

        gone:
            Hosts that other shards found gone: their URLs are tried when all else is
            done, once and cheaply.

        hands_back:
            Whether the worker may end once only silence is left, with these URLs
            `unstarted`: whoever sent the shard has them tried again.
    """

    run: str
    index: int
    wave: int = 0
    source: Source
    sink: SinkSpec = field(default_factory=SinkSpec)
    options: Options = field(default_factory=Options)
    deadline_s: float = 900.0
    gone: tuple[str, ...] = ()
    hands_back: bool = False

    def __post_init__(self) -> None:
        """Refuse a shard without URLs, or without time or room to fetch them."""
        if not len(self.source):
            msg = f"Shard {self.index} of run {self.run} has no URLs."
            raise ValueError(msg)
        check_seconds("deadline_s", self.deadline_s)
        if self.options.connections > MAX_CONNECTIONS:
            msg = (
                f"connections is {self.options.connections:,}; it must be from 0 to "
                f"{MAX_CONNECTIONS}: an execution has {DESCRIPTORS:,} descriptors, a "
                "download takes two, and the runtime needs some. Use more executions "
                "instead."
            )
            raise ValueError(msg)

    def to_json(self) -> bytes:
        """Return the shard as an invocation's payload."""
        message = _message_of(self) | {
            "source": self.source.to_dict(),
            "sink": asdict(self.sink),
            "options": asdict(self.options),
        }
        return json.dumps(message, separators=(",", ":")).encode()

    @classmethod
    def from_dict(cls, event: Mapping[str, Any]) -> Shard:
        """
        Read a shard from an event.

        Raises:
            ValueError: If it is not a shard, is of another schema, or asks for
                something impossible.
        """
        message = _checked_schema("event", event)
        try:
            return cls(
                run=str(message["run"]),
                index=int(_number(message, "index")),
                wave=int(_number(message, "wave")),
                source=_source_of(message["source"]),
                sink=SinkSpec(**message["sink"]),
                options=Options(**message["options"]),
                deadline_s=_number(message, "deadline_s"),
                gone=tuple(map(str, message.get("gone", ()))),
                hands_back=bool(message.get("hands_back", False)),
            )
        except (KeyError, TypeError, AttributeError) as error:
            msg = (
                f"The event is not a shard: {error!r}. "
                "See fetcher.contract.shard_messages.Shard."
            )
            raise ValueError(msg) from error


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """
    The answer of one invocation.

    Moments are seconds since 1970 on the execution's own clock.

    Attributes:
        run, index, wave: Those of the shard.

        execution: Name of the execution environment, the same when it is reused.

        cold: Whether this was the environment's first invocation.

        started_at: When the handler was entered.

        downloading_at: When the first download could start.

        downloaded_at: When the last one had ended.

        tally: Counts by outcome, bytes, latencies.

        downloads: One for each URL, in the source's order.

        cpu_s: Processor time the invocation took, user and system.

        peak_rss_bytes: Most memory the process has ever held.

        engine: Name and version of the engine.

        connections:
            Seconds since `downloading_at`, and the connections from then on; a few
            dozen, however often they changed. Reports of 0.2.0 lack them.

        silences:
            Silences of hosts that never answered, by name;
            `fetcher.contract.outcome.GONE`: they are gone. As many as fit into
            `MOST_HOSTS_BYTES`.

        heard: Those of the shard's `gone` hosts that were heard of again.
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
    connections: tuple[tuple[float, int], ...] = ()
    silences: Mapping[str, int] = field(default_factory=dict)
    heard: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return the report as JSON fields."""
        return _message_of(self) | {
            "tally": self.tally.to_dict(),
            "downloads": self.downloads.to_dict(),
        }

    @classmethod
    def from_dict(cls, message: Mapping[str, Any]) -> Report:
        """
        Read a report back.

        Raises:
            ValueError: If it is not a report, or of another schema.
        """
        plain = dict(_checked_schema("report", message))
        del plain["schema"]
        try:
            plain["tally"] = Tally.from_dict(plain["tally"])
            plain["downloads"] = Downloads.from_dict(plain["downloads"])
            over_time = plain.get("connections", ())
            plain["connections"] = tuple((at, number) for at, number in over_time)
            plain["heard"] = tuple(plain.get("heard", ()))
            return cls(**plain)
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            see = "See fetcher.contract.shard_messages.Report."
            msg = f"This is not a report: {error!r}. {see}"
            raise ValueError(msg) from error


def fitting(hosts: Iterable[str]) -> Iterator[str]:
    """
    Yield the first of some hosts, as many as fit into a message.

    >>> len(list(fitting(["h" * 1_000] * 100)))
    65
    """
    left = MOST_HOSTS_BYTES
    for host in hosts:
        left -= len(host) + _BYTES_BESIDE_HOST
        if left < 0:
            return
        yield host


def _message_of(one: Shard | Report) -> dict[str, Any]:
    """Return the fields as they are, and the schema."""
    plain = {item.name: getattr(one, item.name) for item in fields(one)}
    return {"schema": SCHEMA, **plain}


def _source_of(fields: Mapping[str, Any]) -> Source:
    kind = fields.get("kind")
    if kind not in _SOURCES:
        msg = f"The source's kind is {kind!r}; it must be one of {', '.join(_SOURCES)}."
        raise ValueError(msg)
    try:
        return _SOURCES[kind].from_dict(fields)
    except (KeyError, TypeError, ValueError) as error:
        msg = f"The {kind} source cannot be read: {error!r}."
        raise ValueError(msg) from error


def _number(message: Mapping[str, Any], name: str) -> float:
    value = message[name]
    if type(value) not in (int, float):
        msg = f"{name} is {value!r}; it must be a number"
        raise TypeError(msg)
    return float(value)


def _checked_schema(name: str, message: object) -> Mapping[str, Any]:
    if not isinstance(message, dict):
        msg = f"The {name} is a {type(message).__name__}; it must be a JSON object."
        raise ValueError(msg)  # noqa: TRY004 - one kind of error for one bad event
    if message.get("schema") != SCHEMA:
        msg = (
            f"The {name} has schema {message.get('schema')!r}; this worker speaks "
            f"schema {SCHEMA}. Deploy the worker and run the notebook from one commit."
        )
        raise ValueError(msg)
    return message
