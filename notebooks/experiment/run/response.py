"""The report in an invocation's response, if it is the one requested."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from fetcher.contract.shard import Report

if TYPE_CHECKING:
    from rollout.invoke.invoker import InvokeResult


class Asked(NamedTuple):
    """What an execution was asked to report on."""

    run: str
    wave: int
    shard: int
    files: int


def report_in(result: InvokeResult, asked: Asked) -> tuple[Report | None, str]:
    """Return the report on a shard, or why there is none."""
    try:
        fields: Any = json.loads(result.payload)
        if result.function_error:
            return None, _failure(fields, result.function_error)
        report = Report.from_dict(fields)
    except ValueError as error:
        return None, f"the execution did not answer with a report: {error}"
    reported = Asked(report.run, report.wave, report.index, len(report.downloads))
    if reported != asked:
        return None, (
            "the execution reported on run {}, wave {}, shard {}, {:,} URLs; the "
            "request was for run {}, wave {}, shard {}, {:,} URLs"
        ).format(*reported, *asked)
    return report, ""


def _failure(fields: object, function_error: str) -> str:
    error = fields if isinstance(fields, dict) else {"errorMessage": fields}
    kind = error.get("errorType", function_error)
    return f"the execution failed: {kind}: {error.get('errorMessage')}"
