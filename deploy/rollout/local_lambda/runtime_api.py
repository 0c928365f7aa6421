"""
The Runtime API: what ``awslambdaric`` talks to from inside an environment.

An answer it does not expect costs the process its life, so: ``/next`` needs a
Content-Type (without it 4.2.2 dies of SIGSEGV), ``/init/error`` exactly 202.
"""

import json
import uuid

from aiohttp import web

from rollout.local_lambda import outcome
from rollout.local_lambda.environment import Environment

_BASE = "/2018-06-01/runtime"


def build(environments: dict[str, Environment]) -> web.Application:
    """Return the server's application; the processes are found by their User-Agent."""
    api = _RuntimeApi(environments)
    app = web.Application(client_max_size=outcome.RESPONSE_BYTES + 1)
    app.add_routes(
        [
            web.get(f"{_BASE}/invocation/next", api.next),
            web.post(f"{_BASE}/invocation/{{id}}/response", api.response),
            web.post(f"{_BASE}/invocation/{{id}}/error", api.error),
            web.post(f"{_BASE}/init/error", api.init_error),
        ]
    )
    return app


class _RuntimeApi:
    def __init__(self, environments: dict[str, Environment]) -> None:
        self._environments = environments

    async def next(self, request: web.Request) -> web.Response:
        work = await self._environment(request).next()
        if work is None:
            raise web.HTTPGone
        invocation, deadline_ms = work
        asked = invocation.request
        headers = {
            "Lambda-Runtime-Aws-Request-Id": asked.id,
            "Lambda-Runtime-Deadline-Ms": str(deadline_ms),
            "Lambda-Runtime-Invoked-Function-Arn": asked.arn,
            "Lambda-Runtime-Trace-Id": _trace_id(deadline_ms),
        }
        if asked.client_context:
            headers["Lambda-Runtime-Client-Context"] = asked.client_context
        return web.Response(
            body=asked.payload, headers=headers, content_type="application/json"
        )

    async def response(self, request: web.Request) -> web.Response:
        try:
            result = outcome.answered(await request.read(), request.content_type)
        except web.HTTPRequestEntityTooLarge:
            result = outcome.too_large()
        return self._take(request, result)

    async def error(self, request: web.Request) -> web.Response:
        return self._take(request, outcome.failed(await request.read()))

    async def init_error(self, request: web.Request) -> web.Response:
        self._environment(request).init_failed(await request.read())
        return _accepted()

    def _take(self, request: web.Request, result: outcome.Outcome) -> web.Response:
        environment = self._environment(request)
        if not environment.respond(request.match_info["id"], result):
            raise web.HTTPBadRequest(text='{"errorType": "InvalidRequestID"}')
        return _accepted()

    def _environment(self, request: web.Request) -> Environment:
        _, _, name = request.headers.get("User-Agent", "").partition("env/")
        try:
            return self._environments[name]
        except KeyError:
            raise web.HTTPForbidden from None


def _accepted() -> web.Response:
    return web.Response(
        status=202,
        body=json.dumps({"status": "OK"}).encode(),
        content_type="application/json",
    )


def _trace_id(deadline_ms: int) -> str:
    number = uuid.uuid4().hex
    root = f"1-{deadline_ms // 1000:08x}-{number[:24]}"
    return f"Root={root};Parent={number[16:]};Sampled=0"
