"""Downloads in this process, passed on in batches as they end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fetcher.command.report.json_lines import line_of
from fetcher.command.result_batch import Batch
from fetcher.sinks.settling import Settling
from fetcher.transfer.flow.places import UnderWay
from fetcher.transfer.transfers import Transfers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from threading import Event

    from fetcher.command.graceful_stop import Stops
    from fetcher.command.result_batch import Ended, LineOf
    from fetcher.contract.options import Options
    from fetcher.contract.source import Item
    from fetcher.transfer.engine import Engine
    from fetcher.transfer.sink import Sink


def fetch(
    engine: Engine,
    items: Iterable[Item | None],
    sink: Sink,
    options: Options,
    deadline_s: float,
    stops: Stops,
    take: Callable[[Ended], None],
    pause: Callable[[Event], object],
    line_of: LineOf = line_of,
) -> None:
    """
    Download until all is done, or the deadline or a signal comes.

    Args:
        engine: Made for these options.

        items: What to fetch; None: there may be more later.

        sink: Where bodies go.

        options: How.

        deadline_s: Seconds from now.

        stops: Handles the signals.

        take: Receives what ended, every item exactly once.

        pause: Called by a thread meanwhile, see `Batch`; if it raises, the downloads
            end.

        line_of: As for `Batch`.
    """
    stops.then(engine.stop)
    with Batch(take, pause, stops.stop, line_of) as batch:
        settling = Settling(sink, batch.add)
        add = settling.add if sink.settles else batch.add
        transfers = Transfers(items, sink, options, add)
        if sink.settles:
            batch.collect = settling.collect
        batch.left = lambda: transfers.left()._replace(settling=settling.held)
        batch.connections = lambda: transfers.places.over_time[-1][1]
        transfers.run(engine, deadline_s)
        batch.left = lambda: UnderWay(settling=settling.held)
        if not batch.failed:  # else nobody would learn of what is made safe now
            settling.finish()
