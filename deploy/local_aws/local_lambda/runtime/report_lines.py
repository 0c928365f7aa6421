"""
The lines Lambda itself writes into a function's log.

START, END and REPORT: LocalStack test_invocation_with_logs (recorded 2025-11). Failures
and timed-out inits: AWS's page lambda-runtime-environment; that a timeout's duration is
the timeout: DataBiosphere/azul#8140 (2026-06).
"""

import math

from local_aws.local_lambda.runtime.outcome import TIMED_OUT, InvocationResult

_BY_LAMBDA = ("Sandbox.", "Runtime.Exit", "Runtime.OutOfMemory", "Function.")


def start(request_id: str, version: str) -> str:
    """Return the line before an invocation."""
    return f"START RequestId: {request_id} Version: {version}\n"


def init_timed_out(init_s: float) -> str:
    """Return the line after an init that was stopped."""
    return (
        f"INIT_REPORT Init Duration: {init_s * 1000:.2f} ms\tPhase: init\t"
        "Status: timeout\n"
    )


def end(
    request_id: str,
    result: InvocationResult,
    *,
    duration_s: float,
    init_s: float,
    memory_mb: int,
    peak_mb: int,
) -> str:
    """
    Return the lines after an invocation.

    `duration_s` is the timeout if that ended it. `init_s` is 0 unless this was the
    environment's first invocation.
    """
    duration_ms, init_ms = duration_s * 1000, init_s * 1000
    fields = [
        f"REPORT RequestId: {request_id}",
        f"Duration: {duration_ms:.2f} ms",
        # Init is billed too, since 2025-08-01.
        f"Billed Duration: {math.ceil(duration_ms + init_ms)} ms",
        f"Memory Size: {memory_mb} MB",
        f"Max Memory Used: {min(peak_mb, memory_mb)} MB",
    ]
    if init_ms:
        fields.append(f"Init Duration: {init_ms:.2f} ms")
    fields.append(f"{_status(result.error_type or '')}\n")
    return f"END RequestId: {request_id}\n" + "\t".join(fields)


def _status(error_type: str) -> str:
    if error_type == TIMED_OUT:
        return "Status: timeout"
    if error_type.startswith(_BY_LAMBDA):
        return f"Status: error\tError Type: {error_type}"
    return ""
