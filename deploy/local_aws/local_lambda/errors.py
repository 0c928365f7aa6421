"""
Refusals of requests to Lambda, in AWS's shapes.

Statuses, codes, texts and body keys were recorded from AWS by LocalStack's snapshot
tests (``tests/aws/services/lambda_``, 2025-11 to 2026-01) unless a line says
otherwise. A failing *function* is not a refusal: see ``outcome.py``.
"""

from collections.abc import Iterable

EVENT_BYTES = 1024 * 1024  # docs of Invoke in boto3; 256 KiB until late 2025
CREATE_BYTES = 70_167_211


class LambdaError(Exception):
    """
    A refusal.

    Args:
        key: The message's, in the body.

        has_type: Whether the body says that the user is to blame.

    Attributes:
        status: HTTP status.

        code: Sent as ``x-amzn-ErrorType``; names the exception that boto3 raises.

        body: The response body, before JSON.
    """

    def __init__(
        self,
        status: int,
        code: str,
        message: str | None,
        *,
        key: str = "message",
        has_type: bool = True,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        kind: dict[str, str | None] = {"Type": "User"} if has_type else {}
        self.body = {**kind, key: message}


class NotFoundError(LambdaError):
    """A request names something that does not exist."""

    def __init__(self, message: str) -> None:
        super().__init__(404, "ResourceNotFoundException", message, key="Message")


class ThrottledError(LambdaError):
    """No concurrency is left, or a rate is exceeded."""

    def __init__(self, reason: str) -> None:
        super().__init__(429, "TooManyRequestsException", "Rate Exceeded.")
        self.body["Reason"] = reason


def function_not_found(arn: str) -> NotFoundError:
    """Answer for a function, version or alias that does not exist."""
    return NotFoundError(f"Function not found: {arn}")


def no_resource() -> LambdaError:
    """Answer for something else that does not exist."""
    return NotFoundError("The resource you requested does not exist.")


def function_exists(name: str) -> LambdaError:
    """Answer for a name that is taken (text: hashicorp/terraform#15929)."""
    return conflict(f"Function already exist: {name}")


def conflict(message: str) -> LambdaError:
    """Answer for an operation that the current state forbids."""
    return LambdaError(409, "ResourceConflictException", message)


def pending() -> LambdaError:
    """Answer for a function that is still being created (text: LocalStack's)."""
    text = (
        "The operation cannot be performed at this time. The function is currently in "
        "the following state: Pending"
    )
    return conflict(text)


def update_in_progress(arn: str) -> LambdaError:
    """Answer for a change during another change."""
    text = (
        "The operation cannot be performed at this time. An update is in progress for "
        f"resource: {arn}"
    )
    return conflict(text)


def stale_revision() -> LambdaError:
    """Answer for a change of a revision other than the latest."""
    text = (
        "The Revision Id provided does not match the latest Revision Id. Call the "
        "GetFunction/GetAlias API to retrieve the latest Revision Id"
    )
    return LambdaError(412, "PreconditionFailedException", text)


def other_region(theirs: str, ours: str, what: str = "Functions") -> LambdaError:
    """Answer for the ARN of a function or a layer in another region."""
    text = f"{what} from '{theirs}' are not reachable in this region ('{ours}')"
    return NotFoundError(text)


def other_account(theirs: str, ours: str, what: str = "function") -> LambdaError:
    """Answer for the ARN of another account's function or layer (text: our own)."""
    text = (
        f"The {what} belongs to account {theirs}. Here is account {ours}, and no "
        f"other account's {what} allows itself to be used."
    )
    return LambdaError(403, "AccessDeniedException", text, key="Message")


def validation(problems: Iterable[str]) -> LambdaError:
    """Answer for members that break the service model's constraints."""
    found = list(problems)
    noun = "error" if len(found) == 1 else "errors"
    text = f"{len(found)} validation {noun} detected: {'; '.join(found)}"
    return LambdaError(400, "ValidationException", text, has_type=False)


def invalid_parameter(message: str) -> LambdaError:
    """Answer for values that pass validation but not Lambda's own checks."""
    return LambdaError(400, "InvalidParameterValueException", message)


def invalid_content(message: str) -> LambdaError:
    """Answer for a body that is not JSON in UTF-8."""
    text = f"Could not parse request body into json: {message}"
    return LambdaError(400, "InvalidRequestContentException", text)


def too_large(message: str) -> LambdaError:
    """Answer for a request over one of Lambda's size limits."""
    return LambdaError(413, "RequestEntityTooLargeException", message)


def request_limit(max_bytes: int, operation: str) -> str:
    """Word the refusal of a request whose body is too large."""
    return (
        f"Request must be smaller than {max_bytes} bytes for the {operation} operation"
    )


def malformed_request(what: str) -> LambdaError:
    """Answer for malformed HTTP (our own text; AWS closes such connections)."""
    return LambdaError(400, "BadRequestException", f"Malformed request: {what}")


def request_timeout() -> LambdaError:
    """Answer for a body that does not arrive."""
    text = "The request's body did not arrive in time."
    return LambdaError(408, "RequestTimeoutException", text)


def unknown_operation() -> LambdaError:
    """Answer for a method and path of no operation."""
    return LambdaError(404, "UnknownOperationException", "Unknown operation")


_NO_STREAMING = (
    "AWS's runtime client for Python, which runs functions here, cannot stream either: "
    "awslambdaric 4.2.2, aws/aws-lambda-roadmap 39."
)
_REASONS = {
    "InvokeMode RESPONSE_STREAM": _NO_STREAMING,
    "InvokeWithResponseStream": _NO_STREAMING,
}


def not_modelled(what: str) -> LambdaError:
    """Answer for what AWS can do and the local Lambda cannot."""
    reason = _REASONS.get(what, "AWS has it.")
    text = f"{what} is not modelled by the local Lambda. {reason}"
    return LambdaError(501, "NotImplementedException", text)


def internal() -> LambdaError:
    """Answer for an internal error."""
    text = "The local Lambda failed; its log has the traceback."
    return LambdaError(500, "ServiceException", text)


def stopping() -> LambdaError:
    """Answer for calls still waiting when the endpoint stops."""
    text = "The local Lambda is being stopped."
    return LambdaError(503, "ServiceUnavailableException", text)
