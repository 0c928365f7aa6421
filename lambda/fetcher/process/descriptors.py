"""The limit on files and sockets that a process may open."""

from __future__ import annotations

import errno
import resource

from fetcher.contract.options import DESCRIPTORS_KEPT_BACK, DESCRIPTORS_PER_CONNECTION

_LEAST = DESCRIPTORS_KEPT_BACK + DESCRIPTORS_PER_CONNECTION
RULE = (
    f"it takes {DESCRIPTORS_PER_CONNECTION} for a connection and "
    f"{DESCRIPTORS_KEPT_BACK} besides (`ulimit -Hn`)"
)


def raise_limit(target: int) -> int:
    """
    Raise this process's limit to the target, as far as the system allows.

    Args:
        target: Descriptors of use.

    Returns:
        The connections that the limit allows.

    Raises:
        ValueError: If it allows none.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        soft = target
    if soft < target:
        soft = target if hard == resource.RLIM_INFINITY else min(hard, target)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    if soft < _LEAST:
        msg = (
            f"This process may open {soft:,} files and sockets; {_LEAST:,} are the "
            f"fewest: {RULE}. Raise the limit."
        )
        raise ValueError(msg)
    return (soft - DESCRIPTORS_KEPT_BACK) // DESCRIPTORS_PER_CONNECTION


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
            f"no socket could be opened: this process may have {soft:,} open files "
            "and sockets (`ulimit -n`), and has"
        )
    return ""
