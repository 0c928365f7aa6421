"""
An origin for experiments: real JPEGs of exact sizes, with faults on request.

It answers on loopback only, from a process of its own, at
``/<bytes>/<number>.jpg``. All numbers of a size are the same picture, so a million URLs
cost the memory of one. The query requests latency and faults: see `origin.faults`.

``process`` starts it and ``server`` sends its ``answers``; ``nginx`` serves the same
pictures faster.
"""

from origin.picture import jpeg
from origin.process import Origin, stats_at
from origin.server import OriginError

__all__ = ["Origin", "OriginError", "jpeg", "stats_at"]
