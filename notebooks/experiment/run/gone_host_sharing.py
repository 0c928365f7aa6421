"""What shards find out about hosts, told to those that come later."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from fetcher.contract.inline_source import Inline
from fetcher.contract.outcome import GONE
from fetcher.contract.shard_messages import fitting
from fetcher.security.guard import BadUrlError
from fetcher.transfer.url_preparation import UrlPreparation

if TYPE_CHECKING:
    from fetcher.contract.shard_messages import Report, Shard


_FETCHABLE = UrlPreparation(allow_s3=False)  # S3 is never gone


class GoneHosts:
    """
    Hosts that refused, have no address, or were silent twice, in whichever shards.

    A host that some shard hears of again is forgotten.
    """

    def __init__(self) -> None:
        self._silences: Counter[str] = Counter()

    def learn(self, report: Report) -> None:
        """Note what a shard has found; a host of which it says nothing stays gone."""
        for host in report.heard:
            del self._silences[host]
        self._silences.update(report.silences)

    def told_to(self, shard: Shard) -> Shard:
        """Return the shard with the hosts of its URLs that are gone, as many as fit."""
        if not self._silences:
            return shard
        names = set(self._silences)
        if isinstance(shard.source, Inline):
            names.intersection_update(map(_host_of, shard.source.urls))
        gone = (name for name in sorted(names) if self._silences[name] >= GONE)
        return replace(shard, gone=tuple(fitting(gone)))


def _host_of(url: str) -> str:
    """Return the host as an execution names it; empty: the URL leads to none."""
    try:
        return _FETCHABLE.host_of(url)
    except BadUrlError:
        return ""
