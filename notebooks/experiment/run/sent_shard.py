"""A shard on its way: from when on it is late, and how its calls end."""

from __future__ import annotations

import json
import math
from collections import deque
from dataclasses import dataclass, field
from statistics import median
from time import time
from typing import TYPE_CHECKING, Any

from fetcher.contract.shard_messages import Report
from fetcher.contract.source import count
from rollout.errors import InvokeError, RolloutError
from rollout.invoke.report_line import billed_in

if TYPE_CHECKING:
    import asyncio
    from typing import TypeAlias

    from experiment.ledger.invocation import Invocation
    from rollout.invoke.invoker import InvokeResult

    Call: TypeAlias = asyncio.Task[InvokeResult]

_TIMES_AS_LONG = 2.0
_LEAST_SHARE = 0.5  # of the usual time: a small shard takes its time to start and end
_NOT_BEFORE_S = 1.0
_REMEMBERED = 1_000  # shards
_MAY_HAVE_RUN = 500  # from this HTTP status on
_SAID = "run {}, wave {}, shard {}, {:,} URLs"


@dataclass(slots=True, eq=False)
class SentShard:
    """
    A shard on its way.

    Attributes:
        invocation: As known so far: when it was first sent, and whether it was sent
            again. URLs of a list are not kept.

        payload: What was sent, to be sent again.

        calls: Its calls in flight, and when each was made.

        is_settled: Whether its invocation is in the ledger.
    """

    invocation: Invocation
    files: int
    payload: bytes
    calls: dict[Call, float] = field(default_factory=dict)
    is_settled: bool = False

    def ended(self, call: Call, called_at: float, run: str) -> tuple[Invocation, bytes]:
        """Return the invocation as a call ended, and the report's JSON as it came."""
        sent = self.invocation._replace(invoked_at=called_at, answered_at=time())
        try:
            result = call.result()
        except RolloutError as failure:
            refused = (
                isinstance(failure, InvokeError) and failure.status < _MAY_HAVE_RUN
            )
            billed_s = 0.0 if refused else None
            return sent._replace(error=str(failure), billed_s=billed_s), b""
        report, error = _report_in(result, sent, run)
        billed = billed_in(result.log)
        done = sent._replace(
            invoked_at=result.sent_at,
            answered_at=result.answered_at,
            throttles=result.throttles,
            request_id=result.request_id,
            error=error,
            report=report,
            billed_s=billed.seconds if billed else None,
        )
        return done, result.payload if report else b""


class UsualTimes:
    """
    The times of the latest shards of a wave.

    >>> times = UsualTimes()
    >>> for files in (100, 300, 200):
    ...     times.add(files, files / 100)
    >>> times.late_after_s(400), times.late_after_s(10)
    (8.0, 2.0)
    """

    def __init__(self) -> None:
        self._ended: deque[tuple[int, float]] = deque(maxlen=_REMEMBERED)

    def add(self, files: int, seconds: float) -> None:
        """Note how long a shard of so many files took."""
        self._ended.append((files, seconds))

    def late_after_s(self, files: int) -> float:
        """Return when a shard of so many files is late; infinity: not known yet."""
        if not self._ended:
            return math.inf
        share = files / median(files for files, _ in self._ended)
        usual_s = median(seconds for _, seconds in self._ended)
        usual_s *= max(_LEAST_SHARE, share)
        return max(_NOT_BEFORE_S, _TIMES_AS_LONG * usual_s)


def _report_in(
    result: InvokeResult, sent: Invocation, run: str
) -> tuple[Report | None, str]:
    """Return the report on a shard, or why there is none."""
    try:
        fields: Any = json.loads(result.payload)
        if result.function_error:
            return None, _failure(fields, result.function_error)
        report = Report.from_dict(fields)
    except ValueError as error:
        return None, f"the execution did not answer with a report: {error}"
    asked = run, sent.wave, sent.shard, count(sent.ranges)
    told = report.run, report.wave, report.index, len(report.downloads)
    if told != asked:
        return None, (
            f"the execution reported on {_SAID.format(*told)}; the request was for "
            f"{_SAID.format(*asked)}"
        )
    return report, ""


def _failure(fields: object, function_error: str) -> str:
    error = fields if isinstance(fields, dict) else {"errorMessage": fields}
    kind = error.get("errorType", function_error)
    return f"the execution failed: {kind}: {error.get('errorMessage')}"
