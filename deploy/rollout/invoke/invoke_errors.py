"""The errors for calls that the API refused, or that never got there."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import TYPE_CHECKING

from rollout.errors import InvokeError

if TYPE_CHECKING:
    import aiohttp


def not_sent(function_name: str, why: object, *, code: str) -> InvokeError:
    """Return the error for a call that could not connect."""
    msg = f"Could not connect; {function_name} was not invoked: {why}."
    return InvokeError(msg, code=code, status=0)


def refused(
    function_name: str, response: aiohttp.ClientResponse, body: bytes
) -> InvokeError:
    """Return the error for a call that the API has answered with a status but 200."""
    code = response.headers.get("x-amzn-ErrorType", "").partition(":")[0]
    text = body.decode("utf-8", "replace")
    try:
        fields = json.loads(text)
        text = fields.get("message") or fields.get("Message") or text
        reason = fields.get("Reason", "")
    except (ValueError, AttributeError):  # a gateway's own page
        reason = ""
    is_certain = response.status < HTTPStatus.INTERNAL_SERVER_ERROR  # see InvokeError
    fate = "was not invoked" if is_certain else "may have run; see its log"
    msg = (
        f"{function_name} {fate}: {response.status} {code or response.reason}"
        f"{reason and f' ({reason})'}: {text}"
    )
    wait = response.headers.get("Retry-After", "")
    return InvokeError(
        msg,
        code=code,
        status=response.status,
        retry_after_s=float(wait) if wait.isdecimal() else 0.0,
    )
