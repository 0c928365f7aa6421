"""How many files and sockets a process may open, and how that is told from the rest."""

from __future__ import annotations

import errno
import resource

from fetcher.contract.options import DESCRIPTORS_KEPT_BACK, DESCRIPTORS_PER_CONNECTION

_FEWEST = DESCRIPTORS_KEPT_BACK + DESCRIPTORS_PER_CONNECTION
RAISE_IT = "Raise the limit with `ulimit -Hn`."


def raise_limit(wanted: int) -> int:
    """
    Raise this process's limit if it is too low, as far as may be.

    Args:
        wanted: What is of use.

    Returns:
        The connections that it allows.

    Raises:
        ValueError: If it does not allow any.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        soft = wanted
    if soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(hard, wanted)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    if soft < _FEWEST:
        msg = (
            f"No connection can be made: a process may open {soft:,} files and sockets "
            f"here, and needs at least {_FEWEST:,}. {RAISE_IT}"
        )
        raise ValueError(msg)
    return (soft - DESCRIPTORS_KEPT_BACK) // DESCRIPTORS_PER_CONNECTION


def lacking(error: OSError) -> str:
    """
    Say that no socket could be opened because there are too many; else nothing.

    >>> lacking(OSError(errno.ECONNREFUSED, "Connection refused"))
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
