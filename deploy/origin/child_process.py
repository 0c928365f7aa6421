"""The end of a child process: brought about, and in words."""

from __future__ import annotations

import subprocess

_STOP_LIMIT_S = 2


def ended(process: subprocess.Popen[bytes], within_s: float = 0.0) -> str:
    """
    Describe how a child ended; return nothing if it lives so many seconds.

    A process that dies closes its sockets a moment before its parent can know.
    `local_aws` has a copy of this.
    """
    try:
        status = process.wait(within_s)
    except subprocess.TimeoutExpired:
        return ""
    return f"signal {-status}" if status < 0 else f"exit status {status}"


def stop(process: subprocess.Popen[bytes]) -> None:
    """End a child, by force if need be, and close its pipes."""
    process.terminate()
    try:
        process.wait(_STOP_LIMIT_S)
    except subprocess.TimeoutExpired:
        process.kill()
    process.communicate()
