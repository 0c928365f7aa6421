"""
The REPORT line, the end of an invocation's log, which says what Lambda bills.

It comes free with the answer to an invocation that requests the end of its log.
CloudWatch has the same lines, but some seconds later, a page at a time.
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
    The billed time and memory of one invocation.

    Attributes:
        seconds: Its time, init included.

        init_s: The init's part of the time; 0: the execution was warm.
    """

    seconds: float
    memory_mb: int
    init_s: float


def billed_in(log: bytes) -> Billed | None:
    r"""
    Read the REPORT line at the end of an invocation's log; None if there is none.

    Init is billed since August 2025. ``Billed Duration`` includes it only in some lines
    recorded since.

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
    line = lines[-1]  # the function's own output comes before
    init_ms = float(line["init"] or 0)
    total_ms = math.ceil(float(line["duration"]) + init_ms)
    billed_ms = max(int(line["billed"]), total_ms)
    return Billed(billed_ms / 1_000, int(line["memory"]), round(init_ms / 1_000, 6))
