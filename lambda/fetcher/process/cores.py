"""The processors that this process may use."""

from __future__ import annotations

import os


def allowed() -> set[int]:
    """Return the processors that this process may use, by number."""
    if hasattr(os, "sched_getaffinity"):
        return os.sched_getaffinity(0)
    return set(range(os.cpu_count() or 1))


def cores() -> int:
    """Return how many processors this process may use."""
    return len(allowed())
