"""Open files and sockets: how many a process may have, and what calls take of them."""

from __future__ import annotations

import resource
import sys

_OTHERS = 256  # of a process, beside the connections it calls over


def needed_for(in_flight: int) -> int:
    """
    Return what a process needs that has so many calls in flight.

    >>> needed_for(1_000)
    1256
    """
    return in_flight + _OTHERS


def allow(wanted: int) -> int:
    """
    Let this process have so many, if the system does; return how many it may have.

    A process starts with 1,024, on macOS with 256; most may ask for more.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return sys.maxsize
    if soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return soft
