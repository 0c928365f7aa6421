"""The end of a child process, in words."""

from __future__ import annotations

import subprocess


def ended(process: subprocess.Popen[bytes], within_s: float = 0.0) -> str:
    """
    Describe the end of a child; empty if it lives so many seconds.

    A process that dies closes its sockets a moment before its parent can know.
    """
    try:
        status = process.wait(within_s)
    except subprocess.TimeoutExpired:
        return ""
    return in_words(status)


def in_words(status: int) -> str:
    """Return how a child ended, from its return code."""
    return f"signal {-status}" if status < 0 else f"exit status {status}"
