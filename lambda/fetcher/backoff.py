"""Waits between tries: one rule for downloads, S3, job events and invocations."""

from __future__ import annotations

_MAX_DOUBLINGS = 64  # a larger power of two would only overflow


def full_jitter(tries: int, first_s: float, longest_s: float) -> float:
    """
    Return seconds to wait: random, so that retries do not come in waves.

    Args:
        tries: How many have failed, from 1.

        first_s: The longest wait after the first; it doubles with each further one.

        longest_s: The longest wait after any.

    >>> 0 <= full_jitter(1, first_s=0.5, longest_s=20) <= 0.5
    True
    """
    import random  # noqa: PLC0415 - few downloads wait

    most_s = min(longest_s, first_s * 2 ** min(tries - 1, _MAX_DOUBLINGS))
    return random.uniform(0, most_s)  # noqa: S311 - no secret depends on it
