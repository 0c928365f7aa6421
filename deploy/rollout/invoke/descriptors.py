"""Open files and sockets: how many calls need, and how many a process may have."""

from __future__ import annotations

import resource
import sys

_OTHERS = 256  # of a process, beside its calls' connections


def needed_for(in_flight: int) -> int:
    """
    Return how many descriptors a process with so many calls in flight needs.

    >>> needed_for(1_000)
    1256
    """
    return in_flight + _OTHERS


def allow(needed: int) -> int:
    """
    Raise this process's limit if the system lets it; return the limit.

    A process starts with 1,024, on macOS with 256; most may ask for more.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return sys.maxsize
    if soft < needed:
        soft = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return soft
