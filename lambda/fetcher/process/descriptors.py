"""The limit on files and sockets that a process may open."""

from __future__ import annotations

import errno
import resource

from fetcher.contract.options import (
    DESCRIPTORS,
    DESCRIPTORS_KEPT_BACK,
    DESCRIPTORS_PER_CONNECTION,
    MOST_DESCRIPTORS,
)

_FEWEST = DESCRIPTORS_KEPT_BACK + DESCRIPTORS_PER_CONNECTION
RAISE_IT = "Raise the limit with `ulimit -Hn`."


def raise_limit(target: int) -> int:
    """Raise this process's limit as far as the system allows; return the limit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return target
    if soft < target:
        soft = target if hard == resource.RLIM_INFINITY else min(hard, target)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return soft


def connections_allowed(target: int) -> int:
    """
    Return the connections that the limit allows, raised to the target if it may be.

    Raises:
        ValueError: If it allows none.
    """
    soft = raise_limit(target)
    if soft < _FEWEST:
        msg = (
            f"No connection can be made: a process may open {soft:,} files and sockets "
            f"here, and needs at least {_FEWEST:,}. {RAISE_IT}"
        )
        raise ValueError(msg)
    return (soft - DESCRIPTORS_KEPT_BACK) // DESCRIPTORS_PER_CONNECTION


def room() -> int:
    """
    Return the downloads that may be in flight under the limit there is.

    Half of what is above Lambda's limit is left to folders, and to threads that look
    names up.
    """
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        soft = MOST_DESCRIPTORS
    above = min(soft, MOST_DESCRIPTORS) - DESCRIPTORS  # what folders take a part of
    free = DESCRIPTORS + above // 2 if above > 0 else soft
    return max(1, (free - DESCRIPTORS_KEPT_BACK) // DESCRIPTORS_PER_CONNECTION)


def shortage(error: OSError) -> str:
    """
    Return why no socket could be opened if there are too many; else nothing.

    >>> shortage(OSError(errno.ECONNREFUSED, "Connection refused"))
    ''
    """
    if error.errno == errno.ENFILE:
        return "no socket could be opened: the whole system has too many open files"
    if error.errno == errno.EMFILE:
        soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        return (
            f"no socket could be opened: the process has all {soft:,} files and "
            "sockets open that it may (`ulimit -n`)"
        )
    return ""
