"""The most memory that a process ever held."""

from __future__ import annotations

import re
import resource
import sys
from pathlib import Path

_UNIT = 1 if sys.platform == "darwin" else 1_024  # bytes per unit of getrusage
_STATUS = Path("/proc/self/status")
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
