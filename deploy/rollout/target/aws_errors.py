"""What AWS answered instead: whether it is a denial, and in whose words."""

from __future__ import annotations

import re
from http import HTTPStatus

from botocore.exceptions import ClientError

_ACTION = re.compile(r"not authorized to perform: ([\w-]+:\w+)")
_DENIALS = {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "403"}


def is_denial(error: BaseException | None) -> bool:
    """Return whether a permission is missing; else it is another trouble."""
    return isinstance(error, ClientError) and code_of(error) in _DENIALS


def message_of(error: Exception) -> str:
    """Return AWS's own message, without botocore's words around it."""
    if not isinstance(error, ClientError):
        return str(error)
    message = error.response.get("Error", {}).get("Message", "")
    return f"{error.operation_name}: {code_of(error)}: {message}".rstrip(": ")


def denied_action(error: BaseException) -> str:
    """
    Return the action that a denial names, as in ``iam:GetRole``; empty: none.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
    """
    found = _ACTION.search(str(error)) if is_denial(error) else None
    return found[1] if found else ""


def code_of(error: ClientError) -> str:
    """Return AWS's name for the error; a proxy's page has none."""
    code: str = error.response.get("Error", {}).get("Code", "")
    return code or str(error.response["ResponseMetadata"].get("HTTPStatusCode", ""))


def was_repeated(error: ClientError) -> bool:
    """Return whether this was the answer to more than the first attempt."""
    return bool(error.response["ResponseMetadata"].get("RetryAttempts", 0))


def is_final(error: ClientError) -> bool:
    """Return whether AWS did nothing: it refused the only attempt, and did not fail."""
    status: int = error.response["ResponseMetadata"].get("HTTPStatusCode", 0)
    return status < HTTPStatus.INTERNAL_SERVER_ERROR and not was_repeated(error)
