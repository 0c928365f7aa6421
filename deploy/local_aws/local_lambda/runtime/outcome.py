"""
The outcomes of an invocation, and Lambda's reports of failed functions.

* answered      the function's own JSON
* failed        the runtime's JSON about an exception or a failed import
* by Lambda, once the process is gone
  x timed out   Sandbox.Timedout
  x exited      Runtime.ExitError
  x killed      Runtime.OutOfMemory
  x too large   Function.ResponseSizeTooLarge

Every failure is HTTP 200 with ``X-Amz-Function-Error: Unhandled``. Texts: LocalStack's
recordings of AWS, test_lambda (2025-11), and AWS's runtime interface emulator
(``rapid/handlers.go``).
"""

import json
import os
import signal
from dataclasses import dataclass

from aws_facts.limits import limit

RESPONSE_BYTES = limit("report_bytes").most
TIMED_OUT = "Sandbox.Timedout"


@dataclass(frozen=True, slots=True)
class InvocationResult:
    """
    The outcome of an invocation.

    Attributes:
        error_type: The kind of failure; None when the function answered.

        version: The version that ran.

        log: The last 4 KB it logged, if requested.
    """

    payload: bytes
    error_type: str | None = None
    content_type: str = "application/json"
    version: str = ""
    log: bytes | None = None


def answered(payload: bytes | None, content_type: str) -> InvocationResult:
    """
    Return the function's own answer, unless Lambda would not carry it.

    Args:
        payload: The answer; None if it is too large to be read.

        content_type: As the runtime gave it.
    """
    if payload is None or len(payload) > RESPONSE_BYTES:
        return _too_large()
    return InvocationResult(payload, content_type=content_type)


def failed(payload: bytes) -> InvocationResult:
    """Return the runtime's report of an exception."""
    try:
        kind = str(json.loads(payload)["errorType"])
    except (ValueError, KeyError, TypeError):
        kind = "Runtime.Unknown"
    return InvocationResult(payload, error_type=kind)


def timed_out(request_id: str, timeout_s: int) -> InvocationResult:
    """Return the failure of a function that was killed at its timeout."""
    text = f"Task timed out after {timeout_s:.2f} seconds"
    return _by_lambda(TIMED_OUT, request_id, text)


def exited(request_id: str, status: int | None) -> InvocationResult:
    """
    Return the failure of a function whose process ended.

    Args:
        request_id: The invocation it was working on.

        status: As ``os.waitpid`` gives it; None if unknown.
    """
    return _by_lambda("Runtime.ExitError", request_id, _exit_reason(status))


def out_of_memory(request_id: str) -> InvocationResult:
    """
    Return the failure of a function that was killed at its memory limit.

    The text and type reports of 2026 show: adobe/helix-html2md-service#1001,
    nasa-gcn/gcn.nasa.gov#3628. Before, the type was Runtime.ExitError.
    """
    text = _exit_reason(signal.SIGKILL)
    return _by_lambda("Runtime.OutOfMemory", request_id, text)


def _exit_reason(status: int | None) -> str:
    if not status:
        return "Runtime exited without providing a reason"
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        name = (signal.strsignal(number) or f"signal {number}").lower()
        dumped = " (core dumped)" if os.WCOREDUMP(status) else ""
        return f"Runtime exited with error: signal: {name}{dumped}"
    return f"Runtime exited with error: exit status {os.WEXITSTATUS(status)}"


def _by_lambda(kind: str, request_id: str, text: str) -> InvocationResult:
    message = f"RequestId: {request_id} Error: {text}"
    payload = json.dumps({"errorType": kind, "errorMessage": message}).encode()
    return InvocationResult(payload, error_type=kind)


def _too_large() -> InvocationResult:
    """Return the failure of an answer that is over the limit."""
    kind = "Function.ResponseSizeTooLarge"
    text = (
        "Response payload size exceeded maximum allowed payload size "
        f"({RESPONSE_BYTES} bytes)."
    )
    payload = json.dumps({"errorMessage": text, "errorType": kind}).encode()
    return InvocationResult(payload, error_type=kind)
