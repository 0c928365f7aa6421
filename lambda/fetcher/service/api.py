"""
Routing of the events that the function is invoked with.

* a request to its URL   is answered as openapi.json describes
* an event of a job      has it planned, or a slice of it downloaded
* a shard                is downloaded, as by `fetcher.handler.download`
"""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from fetcher import handler
from fetcher.s3.errors import S3Error
from fetcher.service import job_endpoints
from fetcher.service.call_context import CallContext
from fetcher.service.download_endpoint import download
from fetcher.service.function_url_events import (
    Refusal,
    Request,
    answer,
    is_http,
    refused,
    request_of,
)
from fetcher.service.jobs.job_context import NoJobError, open_job
from fetcher.service.jobs.self_invocation import EventError
from fetcher.service.jobs.slice_plan import plan
from fetcher.service.jobs.slice_round import work
from fetcher.service.schema_validation import document

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from awslambdaric.lambda_context import LambdaContext

    Handle = Callable[[Request, CallContext], dict[str, Any]]


def handle(event: dict[str, Any], context: LambdaContext) -> dict[str, Any] | None:
    """
    Handle an event.

    Returns:
        An HTTP response, nothing, or a report, depending on the kind.

    Raises:
        ValueError: If it is none of these kinds.

        NoJobError: If there is no such job.

        OSError: If a job cannot go on now; Lambda repeats its event.
    """
    if is_http(event):
        return _answered(event, CallContext.begun(context))
    if isinstance(event, dict) and "job" in event:
        _carry_on(event, CallContext.begun(context))
        return None
    return handler.download(event, context)


def _carry_on(event: Mapping[str, Any], call: CallContext) -> None:
    """Plan a job, or work on a slice of it."""
    with open_job(event["job"], call) as context:
        if "slice" in event:
            work(context, event["slice"])
        else:
            plan(context)


def _answered(event: dict[str, Any], call: CallContext) -> dict[str, Any]:
    try:
        request = request_of(event)
        return _route(request)(request, call)
    except Refusal as refusal:
        return refused(refusal)
    except NoJobError as error:
        return refused(Refusal(HTTPStatus.NOT_FOUND, str(error)))
    except (S3Error, EventError) as error:
        return refused(Refusal(HTTPStatus.SERVICE_UNAVAILABLE, str(error)))


def _route(request: Request) -> Handle:
    for pattern, methods in _ROUTES.items():
        if re.fullmatch(pattern, request.path):
            if request.method in methods:
                return methods[request.method]
            allowed = ", ".join(methods)
            msg = f"{request.path} takes {allowed}, not {request.method[:20]}."
            raise Refusal(HTTPStatus.METHOD_NOT_ALLOWED, msg, {"Allow": allowed})
    msg = "There is nothing at this path; GET /openapi.json tells what there is."
    raise Refusal(HTTPStatus.NOT_FOUND, msg)


def _describe(_request: Request, _call: CallContext) -> dict[str, Any]:
    return answer(200, document())


_ROUTES: dict[str, dict[str, Handle]] = {
    "/download": {"POST": download},
    "/jobs": {"POST": job_endpoints.submit},
    "/jobs/[0-9a-f]{32}": {"GET": job_endpoints.show},
    "/jobs/[0-9a-f]{32}/errors": {"GET": job_endpoints.list_errors},
    "/openapi.json": {"GET": _describe},
}
