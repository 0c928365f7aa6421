"""
The HTTP response that a function's result stands for.

From AWS's page "Invoking Lambda function URLs" and LocalStack's recordings (test_lambda
``test_lambda_url_invocation``, ``_headers_and_status``, ``_exception``, 2025-11): a
``statusCode``, a string too, makes a response; without one the whole result is the
body, a string as it is and all else as compact JSON. That a failed function is 502
whatever the failure, a timeout too, is as in
awslabs/route53-dynamic-dns-with-lambda#56; that ``content-length`` is renamed, as in
cargo-lambda/cargo-lambda#862.

Not recorded, so our reading of "malformed": a status outside 100 to 599, headers or
cookies that are not text, a body that is not a string, base64 that is none.
"""

import base64
import json
import re
from collections.abc import Iterator
from typing import Any

from aiohttp import web

from local_aws.local_lambda.runtime.outcome import InvocationResult

_JSON = "application/json"
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_NO_TEXT = re.compile(r"[\x00-\x08\x0a-\x1f\x7f\ud800-\udfff]")
_STATUSES = range(100, 600)
_FIRST_FINAL_STATUS = 200
_REMAPPED = {"connection", "content-length"}
_DROPPED = {"transfer-encoding"}


class _MalformedError(ValueError):
    """A function's result is not a response."""


def response(outcome: InvocationResult) -> web.Response:
    """Return the response to an invocation's outcome."""
    if outcome.error_type:
        return bad_gateway()
    try:
        return _interpreted(json.loads(outcome.payload))
    except (ValueError, RecursionError):
        return bad_gateway()


def bad_gateway() -> web.Response:
    """Return the response for a function that failed."""
    return web.Response(
        status=502, text="Internal Server Error", headers={"Content-Type": _JSON}
    )


def _interpreted(result: Any) -> web.Response:  # noqa: ANN401 any JSON
    if not isinstance(result, dict) or "statusCode" not in result:
        body = result if isinstance(result, str) else _compact(result)
        return web.Response(body=body.encode(), headers={"Content-Type": _JSON})
    answer = web.Response(status=_status(result), body=_body(result))
    for name, text in _headers(result.get("headers")):
        answer.headers.add(name, text)
    answer.headers.setdefault("Content-Type", _JSON)
    for cookie in _cookies(result.get("cookies")):
        answer.headers.add("Set-Cookie", cookie)
    if answer.status < _FIRST_FINAL_STATUS:
        answer.force_close()  # or a client waits for the response after this one
    return answer


def _status(result: dict[str, Any]) -> int:
    status = int(str(result["statusCode"]))
    if status not in _STATUSES:
        raise _MalformedError
    return status


def _body(result: dict[str, Any]) -> bytes:
    body = result.get("body")
    if body is None:
        return b""
    if not isinstance(body, str):
        raise _MalformedError
    if result.get("isBase64Encoded"):
        return base64.b64decode(body, validate=True)
    return body.encode()


def _headers(headers: Any) -> Iterator[tuple[str, str]]:  # noqa: ANN401 any JSON
    if headers is None:
        return
    if not isinstance(headers, dict):
        raise _MalformedError
    for name, value in headers.items():
        text = value if isinstance(value, str) else _number(value)
        if not _NAME.fullmatch(name) or _NO_TEXT.search(text):
            raise _MalformedError
        if name.lower() in _REMAPPED:
            yield f"x-amzn-Remapped-{name}", text
        elif name.lower() not in _DROPPED:
            yield name, text


def _number(value: object) -> str:
    if not isinstance(value, int | float):
        raise _MalformedError
    return json.dumps(value)


def _cookies(cookies: Any) -> list[str]:  # noqa: ANN401 any JSON
    if cookies is None:
        return []
    if not isinstance(cookies, list):
        raise _MalformedError
    for cookie in cookies:
        if not isinstance(cookie, str) or _NO_TEXT.search(cookie):
            raise _MalformedError
    return cookies


def _compact(result: object) -> str:
    """
    Spell JSON as AWS does.

    >>> _compact({"hello": ["wörld", 3, True]})
    '{"hello":["wörld",3,true]}'
    """
    return json.dumps(result, separators=(",", ":"), ensure_ascii=False)
