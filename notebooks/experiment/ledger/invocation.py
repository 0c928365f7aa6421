"""The invocation of one shard, as a line of the ledger."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

from fetcher.contract.shard_messages import Report

if TYPE_CHECKING:
    from fetcher.contract.source import Ranges

SCHEMA = 2  # of everything in a run's folder


class LedgerError(ValueError):
    """The folder of a run cannot be used."""


class NoRoomError(LedgerError):
    """The folder of a run cannot take more, as when the disk is full."""


class Invocation(NamedTuple):
    """
    The invocation of one shard. Times are seconds since 1970 on this machine's clock.

    Attributes:
        session: How often the run had been resumed by then.

        wave, shard: Which shard it was.

        ranges: The numbers of the URLs requested.

        template: The template of these URLs, with ``{number}``; empty: from a list.

        queued_at: When it was ready to be sent.

        invoked_at: When the request was sent.

        answered_at: When the response had been read, or was known not to come.

        throttles: How often Lambda throttled it first.

        hedges: How often it was sent again because it took long.

        request_id: Lambda's name for the invocation; empty: there was none.

        error: Why there is no report; empty: there is one.

        report: The execution's response.

        billed_s: The time Lambda bills, by its own account; None: unknown.
    """

    session: int
    wave: int
    shard: int
    ranges: Ranges
    template: str
    queued_at: float
    invoked_at: float
    answered_at: float
    throttles: int = 0
    hedges: int = 0
    request_id: str = ""
    error: str = ""
    report: Report | None = None
    billed_s: float | None = None

    def to_line(self, report_json: bytes = b"") -> bytes:
        """
        Return the ledger's line.

        Args:
            report_json: The report as it arrived; empty: it is encoded again.
        """
        fields = self._asdict()
        report = fields.pop("report")
        head = json.dumps({"schema": SCHEMA, **fields}, separators=(",", ":")).encode()
        if not report_json:
            report_fields = report and report.to_dict()
            report_json = json.dumps(report_fields, separators=(",", ":")).encode()
        one_line = report_json.replace(b"\n", b" ")  # in JSON a newline is only a space
        return b'%b,"report":%b}\n' % (head[:-1], one_line)

    @classmethod
    def from_line(cls, line: bytes) -> Invocation:
        """
        Read a line back.

        Raises:
            ValueError: If it is torn, or of another schema.
        """
        fields = json.loads(line)
        check_schema(fields.pop("schema"), "The line")
        fields["ranges"] = tuple((first, length) for first, length in fields["ranges"])
        if fields["report"]:
            fields["report"] = Report.from_dict(fields["report"])
        return cls(**fields)


def check_schema(found: object, what: str) -> None:
    """Refuse anything written in another layout."""
    if found != SCHEMA:
        msg = (
            f"{what} has schema {found!r}; this code reads schema {SCHEMA}. Check out "
            "the commit named in the run's run.json to read it."
        )
        raise LedgerError(msg)
