"""
Lambda's public API: requests in, operations called, AWS-shaped answers out.

``LocalLambda.handle`` takes any request meant for Lambda; ``local_aws.py`` owns the
socket. Functions' processes talk to the Runtime API, on a port of its own.
"""

import base64
import binascii
import contextlib
import json
import logging
import re
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from aiohttp import web

from rollout.limits import limit
from rollout.local_lambda import errors, model, runtime_api
from rollout.local_lambda.control import Answer, Control, ReadObject, reference_of
from rollout.local_lambda.fleet import House
from rollout.local_lambda.invocation import Answer as Ended
from rollout.local_lambda.invocation import Request
from rollout.local_lambda.log_shipper import LogShipper, Send
from rollout.local_lambda.model import Call
from rollout.local_lambda.pool import Pool

if TYPE_CHECKING:
    from rollout.local_lambda.environment import Environment

BACKLOG = 4096  # a thousand callers may come at once

_OPERATIONS: dict[str, tuple[int, Callable[[Control, Call], Awaitable[Answer]]]] = {
    "CreateFunction": (201, Control.create_function),
    "GetFunction": (200, Control.get_function),
    "GetFunctionConfiguration": (200, Control.get_function_configuration),
    "ListFunctions": (200, Control.list_functions),
    "UpdateFunctionCode": (200, Control.update_function_code),
    "UpdateFunctionConfiguration": (200, Control.update_function_configuration),
    "DeleteFunction": (204, Control.delete_function),
    "PutFunctionConcurrency": (200, Control.put_function_concurrency),
    "GetFunctionConcurrency": (200, Control.get_function_concurrency),
    "DeleteFunctionConcurrency": (204, Control.delete_function_concurrency),
    "GetAccountSettings": (200, Control.get_account_settings),
    "TagResource": (204, Control.tag_resource),
    "UntagResource": (204, Control.untag_resource),
    "ListTags": (200, Control.list_tags),
}
_CODE_LOCATION = re.compile(r"/2015-03-31/functions/(?P<arn>[\w:-]+)/code\.zip")

_logger = logging.getLogger(__name__)


@contextlib.asynccontextmanager
async def running(
    folder: Path,
    endpoint_url: str,
    *,
    account_concurrency: int,
    event_retry_delays_s: Sequence[float],
    read_object: ReadObject,
    send_logs: Send,
) -> AsyncIterator["LocalLambda"]:
    """
    Run a Lambda whose processes all end with this context.

    Args:
        folder: For code and sandboxes.

        endpoint_url: Where functions find AWS.

        account_concurrency: How many executions may run at once.

        event_retry_delays_s: Pauses before events of a failing function are repeated.

        read_object: Fetches code from S3.

        send_logs: Calls CloudWatch Logs.
    """
    environments: dict[str, Environment] = {}
    runner = web.AppRunner(
        runtime_api.build(environments),
        access_log=None,
        keepalive_timeout=3600,
        shutdown_timeout=1,
    )
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, backlog=BACKLOG)
    await site.start()
    host, port = runner.addresses[0][:2]
    logs = LogShipper(send_logs)
    house = House(endpoint_url, f"{host}:{port}", environments, logs)
    pool = Pool(account_concurrency, event_retry_delays_s)
    control = Control(folder, house, pool, read_object)
    try:
        yield LocalLambda(control, pool, logs)
    finally:
        pool.stop()
        await control.stop()
        await logs.stop()
        await runner.cleanup()


class LocalLambda:
    """
    Answers requests for Lambda.

    Args:
        control: Makes, changes and shows functions.

        pool: Runs them.

        logs: Sends on what they print.
    """

    def __init__(self, control: Control, pool: Pool, logs: LogShipper) -> None:
        self._control = control
        self._pool = pool
        self._logs = logs

    def refuse(self) -> None:
        """Run nothing more; whoever waits is told."""
        self._pool.stop()

    async def before_logs(self, operation: str, group: str) -> None:
        """Send on what has been printed, before somebody calls CloudWatch Logs."""
        await self._logs.before(operation, group)

    async def handle(self, request: web.Request, region: str) -> web.StreamResponse:
        """Answer one request; a mistake of ours is an answer too."""
        request_id = str(uuid.uuid4())
        try:
            response = await self._answer(request, region, request_id)
        except errors.LambdaError as error:
            response = _refusal(error)
        except Exception:
            _logger.exception("%s %s failed", request.method, request.path)
            response = _refusal(errors.internal())
        response.headers["x-amzn-RequestId"] = request_id
        return response

    async def _answer(
        self, request: web.Request, region: str, request_id: str
    ) -> web.StreamResponse:
        location = _CODE_LOCATION.fullmatch(request.path)
        if location and request.method == "GET":
            return web.FileResponse(self._control.zip_file(location["arn"]))
        call = model.parse(
            request.method,
            request.raw_path,
            request.query,
            request.headers,
            await _body(request),
            region,
        )
        if call.operation == "Invoke":
            return await self._invoke(call, request_id)
        if call.operation not in _OPERATIONS:
            raise errors.not_modelled(call.operation)
        status, operation = _OPERATIONS[call.operation]
        answer = await operation(self._control, call)
        if status == web.HTTPNoContent.status_code:
            return web.Response(status=status)
        return web.json_response(answer, status=status)

    async def _invoke(self, call: Call, request_id: str) -> web.Response:
        function = self._control.function(call, names_version=True)
        if function.state == "Pending":
            raise errors.pending()
        kind = call.parameters.get("InvocationType", "RequestResponse")
        request = Request(
            request_id,
            reference_of(call).arn,
            _checked_payload(call.payload, kind),
            _client_context(call.parameters.get("ClientContext", "")),
            wants_log=call.parameters.get("LogType") == "Tail",
        )
        if kind == "DryRun":
            return web.Response(status=204)
        if kind == "Event":
            self._pool.enqueue(function.runner, request)
            return web.Response(status=202)
        return _ended(await self._pool.invoke(function.runner, request))


def _ended(ended: Ended) -> web.Response:
    headers = {
        "X-Amz-Executed-Version": "$LATEST",
        "Content-Type": ended.outcome.content_type,
    }
    if ended.outcome.error_type:
        headers["X-Amz-Function-Error"] = "Unhandled"
    if ended.log is not None:
        headers["X-Amz-Log-Result"] = base64.b64encode(ended.log).decode()
    return web.Response(body=ended.outcome.payload, headers=headers)


async def _body(request: web.Request) -> bytes:
    try:
        return await request.read()
    except web.HTTPRequestEntityTooLarge:
        text = (
            f"Request must be smaller than {errors.CREATE_BYTES} bytes for the "
            "CreateFunction operation"
        )
        raise errors.too_large(text) from None


def _checked_payload(payload: bytes, kind: str) -> bytes:
    size, most = len(payload), limit("request_bytes").most
    if kind == "Event" and size > errors.EVENT_BYTES:
        text = (
            f"{size} byte payload is too large for the Event invocation type (limit "
            f"{errors.EVENT_BYTES} bytes)"
        )
        raise errors.too_large(text)
    if size > most:
        text = (
            f"Request must be smaller than {most} bytes for the InvokeFunction "
            "operation"
        )
        raise errors.too_large(text)
    try:
        json.loads(payload or b"{}", parse_constant=_not_json)
    except (ValueError, RecursionError) as error:
        text = f"Could not parse payload into json: {error}"
        raise errors.invalid_content(text) from None
    return payload or b"{}"


def _not_json(constant: str) -> None:
    msg = f"Unrecognized token '{constant}'"
    raise ValueError(msg)


def _client_context(header: str) -> str:
    try:
        text = base64.b64decode(header, validate=True).decode()
        json.loads(text or "{}")
    except (binascii.Error, ValueError):
        what = "Client context must be a valid Base64-encoded JSON object."
        raise errors.invalid_content(what) from None
    return text


def _refusal(error: errors.LambdaError) -> web.Response:
    return web.Response(
        status=error.status,
        body=error.to_json(),
        headers={"x-amzn-ErrorType": error.code},
        content_type="application/json",
    )
