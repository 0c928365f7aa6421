"""What became of one shard: a line of the ledger."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

from fetcher.contract.shard import Report

if TYPE_CHECKING:
    from fetcher.contract.source import Ranges

SCHEMA = 2  # of everything in a run's folder


class LedgerError(ValueError):
    """A run's folder cannot be used."""


class NoRoomError(LedgerError):
    """A run's folder takes no more, as when the disk is full."""


class Invocation(NamedTuple):
    """
    What became of one shard. Moments are seconds since 1970 on this machine's clock.

    Attributes:
        session: How often the run had been continued by then.

        wave, shard: Which one.

        ranges: The numbers of the URLs it was asked for.

        template: What these URLs were, with ``{number}`` in it; empty: those of a list.

        queued_at: It was ready to go.

        invoked_at: The request was sent.

        answered_at: The answer had been read, or was known not to come.

        throttles: How often Lambda said it was too busy first.

        hedges: How often it was begun once more, because it took long.

        request_id: Lambda's name for the invocation; empty: there was none.

        error: Why there is no report; empty: there is one.

        report: What the execution answered.

        billed_s: How long Lambda bills, as its answer says; None: it did not say.
    """

    session: int
    wave: int
    shard: int
    ranges: Ranges
    template: str
    queued_at: float
    invoked_at: float
    answered_at: float
    throttles: int
    hedges: int
    request_id: str
    error: str
    report: Report | None
    billed_s: float | None = None

    def to_line(self, answer: bytes = b"") -> bytes:
        """
        Return the ledger's line.

        Args:
            answer: The report as it came, in JSON; empty: it is made again.
        """
        plain = self._asdict()
        report = plain.pop("report")
        head = json.dumps({"schema": SCHEMA, **plain}, separators=(",", ":")).encode()
        if not answer:
            told = report and report.to_dict()
            answer = json.dumps(told, separators=(",", ":")).encode()
        one_line = answer.replace(b"\n", b" ")  # in JSON it may only stand for a space
        return b'%b,"report":%b}\n' % (head[:-1], one_line)

    @classmethod
    def from_line(cls, line: bytes) -> Invocation:
        """
        Read a line back.

        Raises:
            ValueError: If it is torn, or of another schema.
        """
        plain = json.loads(line)
        check_schema(plain.pop("schema"), "The line")
        plain["ranges"] = tuple((first, many) for first, many in plain["ranges"])
        if plain["report"]:
            plain["report"] = Report.from_dict(plain["report"])
        return cls(**plain)


def check_schema(found: object, what: str) -> None:
    """Refuse what was written in another layout."""
    if found != SCHEMA:
        msg = (
            f"{what} has schema {found!r}; this code reads schema {SCHEMA}. Check out "
            "the commit named in the run's run.json to read it."
        )
        raise LedgerError(msg)
