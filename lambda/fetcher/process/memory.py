"""Memory of a process: the most it had, and what fits into so much."""

from __future__ import annotations

import re
import resource
import sys
from pathlib import Path

_UNIT = 1 if sys.platform == "darwin" else 1_024  # bytes per unit of getrusage
_STATUS = Path("/proc/self/status")
# Peak resident memory with 480 bodies of 1.7 MB on their way to the sink `discard`:
# 27 MB and 0.07 a connection with curl; 38 MB and 0.56 with aiohttp, of 100.
# Lambda's runtime and TLS add to that.
BASE_MB = 60.0
_MB_PER_CONNECTION = {"curl": 0.2, "aiohttp": 0.7}
OBJECTS_MB = 32.0  # the most that bodies on their way to S3 take, see `fetcher.sinks`
_PEAK_KB = re.compile(r"VmHWM:\s+(\d+) kB")


def peak_rss_bytes(usage: resource.struct_rusage | None = None) -> int:
    """
    Return the most memory a process has ever held, in bytes.

    Args:
        usage: Of a child, from `os.wait4`; None: this process.
    """
    if usage is None:
        # getrusage includes memory from before the process became this program.
        if _STATUS.exists() and (peak := _PEAK_KB.search(_STATUS.read_text())):
            return int(peak[1]) * 1_024
        usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_maxrss * _UNIT


def mb_per_connection(engine: str) -> float:
    """Return the memory that a download takes while it is in flight."""
    return _MB_PER_CONNECTION.get(engine, max(_MB_PER_CONNECTION.values()))


def connections_in(memory_mb: float, engine: str) -> int:
    """
    Return the downloads in flight that so much memory has room for.

    >>> connections_in(128, "curl"), connections_in(128, "aiohttp")
    (340, 97)
    """
    return int((memory_mb - BASE_MB) / mb_per_connection(engine))
