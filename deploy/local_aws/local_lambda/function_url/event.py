"""
An HTTP request as the event a function gets: payload format version 2.0.

From AWS's page "Invoking Lambda function URLs" and events people captured: which keys
are left out when there is nothing in them, and that the anonymous caller's account is
``anonymous``, is as in aws-powertools' ``lambdaFunctionUrlEvent.json``; the caller's
identity, and that the header Authorization is kept back, as in
awslabs/swift-aws-lambda-runtime's ``Examples/Streaming+FunctionUrl``; that cookies are
in the headers too, as in aws/aws-lambda-go#597; that the path stays percent-encoded, as
in middleapi/standard-server#93; which bodies are text, as measured for this format in
ministackorg/ministack#766.

Not as on AWS: there is no TLS, so no ``x-amzn-tls-*`` headers, ``x-forwarded-proto`` is
``http`` and ``domainName`` is the URL's address and port.
"""

import base64
import json
import secrets
import time
from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from aiohttp import web

from local_aws.local_lambda.functions.function_url import FunctionUrl
from local_aws.local_lambda.requests.access_keys import Caller
from local_aws.local_lambda.requests.function_reference import ACCOUNT

_OF_THE_CONNECTION = {
    *("connection", "keep-alive", "proxy-connection", "te", "trailer"),
    *("transfer-encoding", "upgrade", "expect"),
}
_TEXT_TYPES = {"application/json", "application/javascript", "application/xml"}
# The front sets them; a client cannot.
_FORWARDED = {"x-forwarded-for", "x-forwarded-port", "x-forwarded-proto"}


def build(
    request: web.Request,
    body: bytes,
    url: FunctionUrl,
    request_id: str,
    caller: Caller | None,
) -> bytes:
    """Return the event, as JSON; without a caller the URL is open to everybody."""
    path, _, query = request.raw_path.partition("?")
    if not path.startswith("/"):  # absolute form, as proxies send it
        path = urlsplit(path).path or "/"
    headers = _headers(request, url, is_signed=caller is not None)
    event: dict[str, Any] = {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": query,
    }
    if "cookie" in headers:
        event["cookies"] = headers["cookie"].split("; ")
    event["headers"] = headers
    if query:
        event["queryStringParameters"] = _joined(
            parse_qsl(query, keep_blank_values=True)
        )
    event["requestContext"] = _context(request, path, url, request_id, caller)
    text = _text(body, headers.get("content-type", ""))
    if body:
        event["body"] = base64.b64encode(body).decode() if text is None else text
    event["isBase64Encoded"] = bool(body) and text is None
    return json.dumps(event).encode()


def _headers(
    request: web.Request, url: FunctionUrl, *, is_signed: bool
) -> dict[str, str]:
    dropped = _OF_THE_CONNECTION | _FORWARDED
    if is_signed:
        dropped |= {"authorization"}
    lowered = ((name.lower(), text) for name, text in request.headers.items())
    headers = _joined((name, text) for name, text in lowered if name not in dropped)
    headers.setdefault("x-amzn-trace-id", f"Root={trace_root()}")
    return headers | {
        "x-forwarded-for": request.remote or "",
        "x-forwarded-port": str(url.address.port),
        "x-forwarded-proto": "http",
    }


def trace_root() -> str:
    """Return an X-Ray trace id."""
    return f"1-{int(time.time()):08x}-{secrets.token_hex(12)}"


def _joined(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """
    Join texts of the same name.

    >>> _joined([("a", "1"), ("b", ""), ("a", "2")])
    {'a': '1,2', 'b': ''}
    """
    found = defaultdict(list)
    for name, text in pairs:
        found[name].append(text)
    return {name: ",".join(texts) for name, texts in found.items()}


def _context(
    request: web.Request,
    path: str,
    url: FunctionUrl,
    request_id: str,
    caller: Caller | None,
) -> dict[str, Any]:
    now = datetime.now(UTC)
    context: dict[str, Any] = {
        "accountId": ACCOUNT if caller else "anonymous",
        "apiId": url.id,
        "domainName": str(url.address),
        "domainPrefix": url.id,
        "http": {
            "method": request.method,
            "path": path,
            "protocol": f"HTTP/{request.version.major}.{request.version.minor}",
            "sourceIp": request.remote,
            "userAgent": request.headers.get("User-Agent"),
        },
        "requestId": request_id,
        "routeKey": "$default",
        "stage": "$default",
        "time": f"{now:%d/%b/%Y:%H:%M:%S +0000}",
        "timeEpoch": int(now.timestamp() * 1000),
    }
    if caller:
        context["authorizer"] = {
            "iam": {
                "accessKey": caller.access_key,
                "accountId": ACCOUNT,
                "callerId": caller.user_id,
                "cognitoIdentity": None,
                "principalOrgId": None,
                "userArn": caller.arn,
                "userId": caller.user_id,
            }
        }
    return context


def _text(body: bytes, content_type: str) -> str | None:
    """
    Return a body as text if its type says that it is.

    >>> _text(b"{}", "application/json; charset=utf-8"), _text(b"a=1", "")
    ('{}', None)
    """
    kind = content_type.partition(";")[0].strip().lower()
    if not kind.startswith("text/") and kind not in _TEXT_TYPES:
        return None
    try:
        return body.decode()
    except UnicodeDecodeError:
        return None
