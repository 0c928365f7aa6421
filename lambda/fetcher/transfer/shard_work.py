"""The work on one shard: all its URLs fetched, in one process or in several."""

from __future__ import annotations

import json
from array import array
from collections import Counter
from functools import partial
from itertools import islice
from time import monotonic
from typing import TYPE_CHECKING, NamedTuple

from fetcher.contract.download_results import Download, Downloads
from fetcher.contract.outcome import Outcome
from fetcher.contract.template_source import Template
from fetcher.transfer.flow.early_end import EarlyEnd
from fetcher.transfer.scheduler import Scheduler, engine_for
from fetcher.transfer.work_division import are_of_many_hosts, part_of, shares

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from fetcher.contract.options import Options
    from fetcher.contract.shard_messages import Shard
    from fetcher.contract.source import Item, Source
    from fetcher.transfer.scheduler import OnDownload
    from fetcher.transfer.sink import Sink

# Before the shard's end, for children to send what they have.
_SENDING_S, _SENDING_SHARE = 0.5, 0.25
_SAMPLE = 2_048  # URLs


class ShardPart:
    """
    One part of a source: all URLs of some hosts, or else every so many-th URL.

    A process that has all URLs of a host knows when it is gone, or asks to be spared.

    Args:
        source: The whole.

        nth: Which part, from 0.

        parts: How many there are.

        is_by_host: Whether they are divided by host.

    Attributes:
        positions: Places in the source of the URLs taken so far.
    """

    def __init__(
        self, source: Source, nth: int, parts: int, *, is_by_host: bool
    ) -> None:
        self._source = source
        self._nth = nth
        self._parts = parts
        self._is_by_host = is_by_host
        self.positions = array("L")

    def __iter__(self) -> Iterator[Item]:
        """Yield its URLs, in order."""
        for position, item in enumerate(self._source):
            part = position % self._parts
            if self._is_by_host:
                part = part_of(item.url, self._parts)
            if part == self._nth:
                self.positions.append(position)
                yield item


def has_many_hosts(source: Source) -> bool:
    """Tell, by a sample, whether no host has too great a part in a source."""
    if isinstance(source, Template):  # it names a few, each as often as the others
        return False
    return are_of_many_hosts(islice(source, 0, None, -(-len(source) // _SAMPLE)))


class Fetched(NamedTuple):
    """
    What is known of a shard beside its downloads.

    Attributes:
        engine: Name and version of the engine.

        silences: Those of hosts that never answered, by name.

        heard: Hosts said to be gone that were heard of again.

        connections: Seconds since the start, and the connections from then on.

        children_cpu_s: Processor time of other processes.

        children_rss_bytes: The most memory that each ever held, added up.
    """

    engine: str
    silences: dict[str, int]
    heard: list[str]
    connections: list[tuple[float, int]]
    children_cpu_s: float = 0.0
    children_rss_bytes: int = 0


def fetch_shard(
    shard: Shard,
    sink: Sink,
    downloads: Downloads,
    until: float,
    processes: int,
    most_open: int,
) -> Fetched:
    """
    Fetch the URLs of a shard.

    Args:
        shard: What to fetch, and how.

        sink: Where bodies go; with several processes, one that they may share.

        downloads: Receives how each URL ended. They start out as all `unstarted`, and
            those whose turn never came stay so.

        until: When to break off, on the monotonic clock.

        processes: How many share the work.

        most_open: The most downloads in flight, of all processes together.

    Raises:
        fetcher.process.children.ChildError: If the work of one of them raised.
    """
    if processes > 1:
        return _shared(shard, sink, downloads, until, processes, most_open)

    def record(position: int, _: Item, download: Download) -> None:
        downloads[position] = download

    return _fetched(
        *(shard, shard.source, len(downloads), shard.options),
        *(sink, record, until, most_open),
    )


def _fetched(
    shard: Shard,
    items: Iterable[Item],
    count: int,
    options: Options,
    sink: Sink,
    record: OnDownload,
    until: float,
    most_open: int,
) -> Fetched:
    engine = engine_for(options)
    scheduler = Scheduler(
        items,
        sink,
        options,
        record,
        reports_rest=False,
        most_open=most_open,
        gone=shard.gone,
        early_end=EarlyEnd(count, engine.stop) if shard.hands_back else None,
    )
    scheduler.run(engine, until - monotonic())
    return Fetched(
        engine.name,
        scheduler.silences(),
        sorted(scheduler.heard),
        scheduler.slots.over_time,
    )


def _shared(
    shard: Shard,
    sink: Sink,
    downloads: Downloads,
    until: float,
    processes: int,
    most_open: int,
) -> Fetched:
    """Do the same in several processes; this one does its part, too."""
    from fetcher.process.children import Children  # noqa: PLC0415 - several only

    is_by_host = has_many_hosts(shard.source)
    options = shares(shard.options, processes, is_by_host=is_by_host)
    count = len(options)
    parts = [
        ShardPart(shard.source, nth, count, is_by_host=is_by_host)
        for nth in range(count)
    ]
    engine_for(shard.options)  # imported once, for all
    left_s = until - monotonic()
    sends_at = until - min(_SENDING_S, _SENDING_SHARE * left_s)

    def fetched(nth: int, into: Downloads) -> Fetched:
        part = parts[nth]

        def record(position: int, _: Item, download: Download) -> None:
            into[part.positions[position]] = download

        size = -(-len(into) // count)
        most = max(1, most_open // count)
        return _fetched(shard, part, size, options[nth], sink, record, sends_at, most)

    def child(nth: int) -> bytes:
        mine = Downloads(len(downloads))
        done = fetched(nth, mine)
        found = done.silences, done.heard, done.connections
        return json.dumps([mine.to_dict(), *found]).encode()

    with Children() as children:
        for nth in range(1, count):
            children.fork(partial(child, nth))
        own = fetched(0, downloads)
        results = children.results(until)
    silences, heard = Counter(own.silences), set(own.heard)
    connections = [own.connections]
    for part, result in zip(parts[1:], results, strict=True):
        if result.data is None:
            _lose(part, result.error or "it was late", downloads)
            continue
        fields, their_silences, their_heard, theirs = json.loads(result.data)
        _take(Downloads.from_dict(fields), downloads)
        silences.update(their_silences)
        heard.update(their_heard)
        connections.append(theirs)
    return Fetched(
        own.engine,
        dict(silences.most_common()),
        sorted(heard),
        summed(connections),
        sum(result.cpu_s for result in results),
        sum(result.peak_rss_bytes for result in results),
    )


def summed(several: Iterable[list[tuple[float, int]]]) -> list[tuple[float, int]]:
    """
    Add up the connections of processes that began together.

    >>> summed([[(0.0, 8), (1.5, 16)], [(0.0, 8), (2.0, 4)]])
    [(0.0, 16), (1.5, 24), (2.0, 20)]
    """
    changes: Counter[float] = Counter()
    for one in several:
        before = 0
        for at_s, number in one:
            changes[at_s] += number - before
            before = number
    total, found = 0, []
    for at_s in sorted(changes):
        total += changes[at_s]
        found.append((at_s, total))
    return found


def _take(theirs: Downloads, into: Downloads) -> None:
    """Take over the downloads of a child's part."""
    for position in theirs.begun():
        into[position] = theirs[position]


def _lose(part: ShardPart, error: str, into: Downloads) -> None:
    """Say once that a child died: whoever has a detail was tried, its others not."""
    lost = Download(Outcome.UNSTARTED, detail=f"the process fetching it died ({error})")
    if next(iter(part), None):
        into[part.positions[0]] = lost
