"""
HTTP over a function URL: requests from events, and responses to them.

Payload format version 2.0:
https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html
"""

from __future__ import annotations

import base64
import json
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

if TYPE_CHECKING:
    from collections.abc import Mapping

# The most that Lambda returns: 6 MB, and 100 bytes for what stands around it.
# https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
MOST_ANSWER = 6 * 1_024 * 1_024


class Request(NamedTuple):
    """
    An HTTP request.

    Attributes:
        path: Percent-encoded, as it was sent.

        query: Its parameters; several with one name are joined by commas.

        headers: By their names in lower case.
    """

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes


class Refusal(Exception):  # noqa: N818 - it says what it is
    """A request that is not carried out."""

    def __init__(
        self, status: int, detail: str, headers: Mapping[str, str] | None = None
    ) -> None:
        self.status = status
        self.headers = headers or {}
        super().__init__(detail)


def is_http(event: object) -> bool:
    """Tell whether an event is a request to the function's URL."""
    return isinstance(event, dict) and "http" in event.get("requestContext", ())


def request_of(event: Mapping[str, Any]) -> Request:
    """Return the request in an event."""
    body = event.get("body") or ""
    return Request(
        event["requestContext"]["http"]["method"],
        event["rawPath"],
        event.get("queryStringParameters") or {},
        event["headers"],
        base64.b64decode(body) if event.get("isBase64Encoded") else body.encode(),
    )


def content_of(request: Request) -> Any:  # noqa: ANN401 - any JSON
    """
    Return the body, parsed as JSON whatever its declared type.

    Raises:
        Refusal: 400, if it is not JSON.
    """
    try:
        return json.loads(request.body, parse_constant=_no_json)
    except (ValueError, RecursionError) as error:
        msg = f"The body is not JSON: {error}."
        raise Refusal(HTTPStatus.BAD_REQUEST, msg) from error


def answer(
    status: int, content: object, headers: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Return the value that makes the function's URL respond with this JSON."""
    return {
        "statusCode": status,
        "headers": {"Content-Type": "application/json", **(headers or {})},
        "body": json.dumps(content, separators=(",", ":")),
    }


def refused(refusal: Refusal) -> dict[str, Any]:
    """Return the response to a request that is not carried out."""
    content = {"code": refusal.status, "detail": str(refusal)}
    return answer(refusal.status, content, refusal.headers)


def size_within(content: object) -> int:
    """
    Return the size of JSON inside a request to Lambda or a response from it.

    It travels as text inside other JSON, so quotes are escaped twice.

    >>> size_within({"a": 1})
    11
    """
    return len(json.dumps(json.dumps(content, separators=(",", ":"))))


def _no_json(constant: str) -> NoReturn:
    msg = f"{constant} is no number there"
    raise ValueError(msg)
