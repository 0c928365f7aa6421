"""Memory that downloads in flight take, and how many fit into so much."""

from __future__ import annotations

# Peak resident memory with 480 bodies of 1.7 MB on their way to the sink `discard`:
# 27 MB and 0.07 a connection with curl; 38 MB and 0.56 with aiohttp, of 100.
# Lambda's runtime and TLS add to that.
BASE_MB = 60.0
_MB_PER_CONNECTION = {"curl": 0.2, "aiohttp": 0.7}
OBJECTS_MB = 32.0  # the most that bodies on their way to S3 take, see `fetcher.sinks`


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
