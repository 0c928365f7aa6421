"""
Lambda's public API: requests in, operations called, AWS-shaped answers out.

``LocalLambda.handle`` takes any request meant for Lambda. Functions' processes talk to
the Runtime API, on a port of its own.
"""

import base64
import binascii
import contextlib
import json
import re
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from aiohttp import web

from aws_facts.limits import limit
from local_aws.local_lambda import errors, http_server
from local_aws.local_lambda.api.configuration_validation import refuse_not_modelled
from local_aws.local_lambda.api.operations import OPERATIONS
from local_aws.local_lambda.function_url import front as url_front
from local_aws.local_lambda.functions.registry import ReadObject, Registry
from local_aws.local_lambda.logs.shipper import LogShipper, Send
from local_aws.local_lambda.requests import service_model
from local_aws.local_lambda.requests.access_keys import Identify, KeyPair
from local_aws.local_lambda.requests.function_reference import reference_of
from local_aws.local_lambda.requests.service_model import Call
from local_aws.local_lambda.runtime import runtime_api
from local_aws.local_lambda.runtime.admission import Admission
from local_aws.local_lambda.runtime.fleet import Shared
from local_aws.local_lambda.runtime.invocation import Request
from local_aws.local_lambda.runtime.outcome import InvocationResult
from local_aws.local_lambda.runtime.processes.memory_watch import MemoryWatch
from local_aws.local_lambda.runtime.version import LATEST

if TYPE_CHECKING:
    from local_aws.local_lambda.runtime.execution_environment import Environment

_CONTEXT_BYTES = 3_583  # docs of Invoke in boto3
_CODE_LOCATION = re.compile(r"/2015-03-31/functions/(?P<arn>[\w:$-]+)/code\.zip")


@contextlib.asynccontextmanager
async def running(
    folder: Path,
    endpoint_url: str,
    keys: KeyPair,
    admission: Admission,
    *,
    keep_idle_s: float,
    read_object: ReadObject,
    send_logs: Send,
    identify: Identify,
) -> AsyncIterator["LocalLambda"]:
    """
    Run a Lambda whose processes all end with this context.

    Whoever leaves it stops `admission` first.
    """
    environments: dict[str, Environment] = {}
    logs = LogShipper(send_logs)
    memory = MemoryWatch()
    ours = urlsplit(endpoint_url).hostname or "127.0.0.1"
    async with (
        runtime_api.running(environments) as api,
        url_front.running(ours, admission, identify) as urls,
    ):
        shared = Shared(
            endpoint_url, keys, api, environments, logs, memory, keep_idle_s
        )
        registry = Registry(folder, shared, admission, urls, read_object)
        try:
            yield LocalLambda(registry, logs)
        finally:
            await registry.stop()
            memory.stop()
            await logs.stop()


class LocalLambda:
    """Answers requests for Lambda; `logs` are its functions'."""

    def __init__(self, registry: Registry, logs: LogShipper) -> None:
        self._registry = registry
        self._admission = registry.admission
        self.logs = logs

    async def handle(
        self, request: web.Request, body: bytes, region: str
    ) -> web.StreamResponse:
        """Answer one request, with a 500 for an internal error."""
        answer = partial(self._answer, request, body, region)
        return await http_server.answered(request, answer)

    async def _answer(
        self, request: web.Request, body: bytes, region: str, request_id: str
    ) -> web.StreamResponse:
        location = _CODE_LOCATION.fullmatch(request.path)
        if location and request.method == "GET":
            return web.FileResponse(self._registry.zip_file(location["arn"]))
        call = service_model.parse(request, body, region)
        if call.operation == "Invoke":
            return await self._invoke(call, request_id)
        if call.operation not in OPERATIONS:
            raise errors.not_modelled(call.operation)
        status, operation = OPERATIONS[call.operation]
        answer = await operation(self._registry, call)
        if status == web.HTTPNoContent.status_code:
            return web.Response(status=status)
        return web.json_response(answer, status=status)

    async def _invoke(self, call: Call, request_id: str) -> web.Response:
        refuse_not_modelled(call.parameters)
        reference = reference_of(call)
        qualifier = reference.qualifier or LATEST
        function = self._registry.function(call, names_version=True)
        if function.version_state(qualifier).state == "Pending":
            raise errors.pending()
        kind = call.parameters.get("InvocationType", "RequestResponse")
        request = Request(
            request_id,
            reference.arn,
            _checked_payload(call.payload, kind),
            qualifier,
            _client_context(call.parameters.get("ClientContext", "")),
            wants_log=call.parameters.get("LogType") == "Tail",
        )
        if kind == "DryRun":
            return web.Response(status=204)
        if kind == "Event":
            limits = function.event_limits(qualifier)
            self._admission.enqueue(function.runner, request, limits)
            return web.Response(status=202)
        return _invoke_response(await self._admission.invoke(function.runner, request))


def _invoke_response(result: InvocationResult) -> web.Response:
    headers = {
        "X-Amz-Executed-Version": result.version,
        "Content-Type": result.content_type,
    }
    if result.error_type:
        headers["X-Amz-Function-Error"] = "Unhandled"
    if result.log is not None:
        headers["X-Amz-Log-Result"] = base64.b64encode(result.log).decode()
    return web.Response(body=result.payload, headers=headers)


def _checked_payload(payload: bytes, kind: str) -> bytes:
    size, max_bytes = len(payload), limit("request_bytes").most
    if kind == "Event" and size > errors.EVENT_BYTES:
        text = (
            f"{size} byte payload is too large for the Event invocation type (limit "
            f"{errors.EVENT_BYTES} bytes)"
        )
        raise errors.too_large(text)
    if size > max_bytes:
        raise errors.too_large(errors.request_limit(max_bytes, "InvokeFunction"))
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
    if len(header) > _CONTEXT_BYTES:
        what = f"Client context must be at most {_CONTEXT_BYTES} bytes in Base64."
        raise errors.invalid_content(what)  # our own text and code
    try:
        text = base64.b64decode(header, validate=True).decode()
        json.loads(text or "{}")
    except (binascii.Error, ValueError):
        what = "Client context must be a valid Base64-encoded JSON object."
        raise errors.invalid_content(what) from None
    return text
