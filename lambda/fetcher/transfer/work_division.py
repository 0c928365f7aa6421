"""Division of work among processes: all URLs of a host to one, if hosts are many."""

from __future__ import annotations

import zlib
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from fetcher.transfer.url_preparation import web_host

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fetcher.contract.options import Options
    from fetcher.contract.source import Item

_MOST_SHARE = 0.05  # of a host, or the processes would not have equal parts


def are_of_many_hosts(sample: Iterable[Item]) -> bool:
    """Tell whether no host has too great a part in a sample of some work."""
    hosts = Counter(web_host(item.url) for item in sample)
    return max(hosts.values()) <= _MOST_SHARE * hosts.total()


def part_of(url: str, parts: int) -> int:
    """Return the number of the part, from 0, that has all URLs of this one's host."""
    return zlib.crc32(web_host(url).encode()) % parts


def shares(
    options: Options, processes: int, *, is_by_host: bool = False
) -> list[Options]:
    """
    Divide options among processes, fewer if not each would get a connection.

    What is allowed per host is divided, too, unless a host's URLs go to one process.

    >>> from fetcher.contract.options import Options
    >>> [share.connections for share in shares(Options(connections=5), 2)]
    [3, 2]
    """
    most = options.connections or processes
    if options.per_host and not is_by_host:
        most = min(most, options.per_host)
    processes = max(1, min(processes, most))
    parts = []
    for nth in reversed(range(processes)):
        part = replace(options, connections=_nth(options.connections, nth, processes))
        if not is_by_host:
            per_host = _nth(options.per_host, nth, processes)
            rate = options.host_rate / processes
            part = replace(part, per_host=per_host, host_rate=rate)
        parts.append(part)
    return parts


def _nth(limit: int, nth: int, processes: int) -> int:
    """Return a process's share of a limit; 0 sets none."""
    return (limit + nth) // processes if limit else 0
