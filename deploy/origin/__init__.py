"""
An origin for experiments: real JPEGs of exact sizes, with faults on request.

It answers on loopback only, from a process of its own, at ``/<bytes>/<number>.jpg``.
Every number holds the same picture, so a million URLs cost the memory of one. The query
asks for latency and faults.

* ``origin_process`` runs it; ``server`` sends its ``answers``: a ``picture``, with
  ``fault_query``.
* ``nginx`` serves the same pictures, faster, over HTTPS with a ``certificate``.
* ``wild`` is another origin: a thousand hosts, many of them dead or limited.
* ``temporary_folders`` are where it keeps files; ``child_process`` starts and ends the
  processes.
"""

from origin.origin_process import Origin, stats_at
from origin.picture import jpeg
from origin.server import OriginError

__all__ = ["Origin", "OriginError", "jpeg", "stats_at"]
