"""How an invocation ended: with the report that was requested, or why without."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from fetcher.contract.shard import Report
from fetcher.contract.source import count
from rollout.errors import InvokeError, RolloutError
from rollout.invoke.report_line import billed_in

if TYPE_CHECKING:
    from experiment.ledger.invocation import Invocation
    from experiment.run.sent_shard import Call
    from rollout.invoke.invoker import InvokeResult

_MAY_HAVE_RUN = 500  # from this HTTP status on
_SAID = "run {}, wave {}, shard {}, {:,} URLs"


def answered(sent: Invocation, call: Call, run: str) -> tuple[Invocation, bytes]:
    """Return an invocation as its call ended, and the report's JSON as it came."""
    try:
        result = call.result()
    except RolloutError as failure:
        refused = isinstance(failure, InvokeError) and failure.status < _MAY_HAVE_RUN
        return sent._replace(error=str(failure), billed_s=0.0 if refused else None), b""
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
