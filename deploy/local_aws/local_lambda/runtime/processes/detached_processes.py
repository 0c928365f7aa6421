"""
Processes that a function detached: they left its group, and their parent has ended.

Loaded by path from zygote_main.py; it must know nothing of this project either.

On Linux they become children of the process that calls `adopt`. Their mount namespace
shows which environment started them. Without private namespaces, they are killed once
no environment is left.
"""

import contextlib
import ctypes
import os
import signal
import sys
from collections.abc import Collection
from pathlib import Path

_PR_SET_CHILD_SUBREAPER = 36


def adopt() -> None:
    """Become the parent of whatever is orphaned below this process."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def children() -> set[int]:
    """Return this process's children; none where there is no /proc."""
    found: set[int] = set()
    for task in Path("/proc/self/task").glob("*/children"):
        found.update(map(int, task.read_text().split()))
    return found


def end(environments: Collection[int] = (), spared: Collection[int] = ()) -> None:
    """
    Kill and reap the children that belong to no environment that still runs.

    Args:
        environments: The process ids of those that run.

        spared: Children to leave alone.
    """
    kept = {*environments, *spared}
    while orphans := children() - kept:
        namespaces = {_namespace(pid) for pid in environments} - {""}
        gone = {pid for pid in orphans if _namespace(pid) not in namespaces}
        kept |= orphans - gone
        for pid in gone:
            try:
                os.kill(pid, signal.SIGKILL)
            except PermissionError:  # it runs a setuid program
                kept.add(pid)
        # What these leave behind is among the children by then.
        for pid in gone - kept:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, 0)


def _namespace(pid: int) -> str:
    try:
        return os.readlink(f"/proc/{pid}/ns/mnt")  # noqa: PTH115 - pathlib would resolve
    except OSError:  # a zombie has none
        return ""
