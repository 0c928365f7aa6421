"""What goes into one execution and what comes out: the contract both sides share."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, fields
from typing import TYPE_CHECKING, Any

from fetcher.contract.downloads import Downloads
from fetcher.contract.options import Options, SinkSpec, check_seconds
from fetcher.contract.source import Source, source_from_dict
from fetcher.contract.tally import Tally

if TYPE_CHECKING:
    from collections.abc import Mapping

SCHEMA = 2  # raise when a field changes meaning; readers refuse other numbers


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
            msg = (
                f"The event is not a shard: {error!r}. "
                "See fetcher.contract.shard.Shard."
            )
            raise ValueError(msg) from error


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
            msg = f"This is not a report: {error!r}. See fetcher.contract.shard.Report."
            raise ValueError(msg) from error


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
