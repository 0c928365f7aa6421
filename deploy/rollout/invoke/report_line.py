"""
What Lambda says it bills: the REPORT line, where the log of an invocation ends.

It comes with the answer of every invocation that asks for the end of its log, at no
charge. CloudWatch has the same lines, but some seconds later, a page at a time.
"""

from __future__ import annotations

import math
import re
from typing import NamedTuple

# https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-view.html
_REPORT = re.compile(
    rb"^REPORT RequestId: \S+\s+Duration: (?P<duration>[\d.]+) ms\s+"
    rb"Billed Duration: (?P<billed>\d+) ms\s+Memory Size: (?P<memory>\d+) MB\s+"
    rb"Max Memory Used: \d+ MB(?:\s+Init Duration: (?P<init>[\d.]+) ms)?",
    re.MULTILINE,
)


class Billed(NamedTuple):
    """
    What one invocation is billed for.

    Attributes:
        seconds: Its time, its init included.

        memory_mb: Of how much memory.

        init_s: The part of the time before the handler was called; 0: it was warm.
    """

    seconds: float
    memory_mb: int
    init_s: float


def billed_in(log: bytes) -> Billed | None:
    r"""
    Read the REPORT line in the end of an invocation's log; None if there is none.

    Init is billed since August 2025, and ``Billed Duration`` holds it where Lambda
    has come to write it so; lines that leave it out are recorded from later, too.

    >>> billed_in(
    ...     b"REPORT RequestId: 1\tDuration: 3.01 ms\tBilled Duration: 4 ms\t"
    ...     b"Memory Size: 128 MB\tMax Memory Used: 36 MB\t"
    ...     b"Init Duration: 110.10 ms\t\n"
    ... )
    Billed(seconds=0.114, memory_mb=128, init_s=0.1101)
    """
    lines = list(_REPORT.finditer(log))
    if not lines:
        return None
    found = lines[-1]  # what the function itself prints comes before
    init_ms = float(found["init"] or 0)
    whole_ms = math.ceil(float(found["duration"]) + init_ms)
    billed_ms = max(int(found["billed"]), whole_ms)
    return Billed(billed_ms / 1_000, int(found["memory"]), round(init_ms / 1_000, 6))
