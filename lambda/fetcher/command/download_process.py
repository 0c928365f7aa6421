"""Downloads of one process, passed on in batches as they end."""

from __future__ import annotations

import os
import signal
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING

from fetcher.command.message_pipe import send
from fetcher.command.report.json_lines import line_of
from fetcher.command.result_batch import Batch
from fetcher.process.signals import SIGNALS, Stops
from fetcher.sinks.deferred_results import DeferredResults
from fetcher.transfer.flow.download_slots import UnderWay
from fetcher.transfer.scheduler import Scheduler, engine_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from threading import Event

    from fetcher.command.result_batch import Ended, LineOf
    from fetcher.contract.options import Options
    from fetcher.contract.source import Item
    from fetcher.transfer.engine import Engine
    from fetcher.transfer.sink import Sink

_PAUSE_S = 0.1


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

    Of the items, None means that there may be more later. The engine was made for the
    options. `Batch` is given the last three: each item is taken once when it has ended,
    and if the pause raises, the downloads end.
    """
    stops.then(engine.stop)
    with Batch(take, pause, stops.stop, line_of) as batch:
        settling = DeferredResults(sink, batch.add)
        add = settling.add if sink.settles else batch.add
        scheduler = Scheduler(items, sink, options, add)
        if sink.settles:
            batch.collect = settling.collect
        batch.left = lambda: scheduler.left()._replace(settling=settling.held)
        batch.connections = lambda: scheduler.slots.over_time[-1][1]
        scheduler.run(engine, deadline_s)
        batch.left = lambda: UnderWay(settling=settling.held)
        if not batch.failed:  # else nobody would learn of what is made safe now
            settling.finish()


def fetch_as_child(
    items: Iterable[Item | None],
    sink: Sink,
    options: Options,
    deadline_at: float,
    line_of: LineOf,
    pipe: int,
) -> None:
    """
    Do the same in a child process; send what ended, or an error, through a pipe.

    The deadline is on the monotonic clock. The signals are blocked until here.
    """
    try:
        with Stops() as stops:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
            engine, left_s = engine_for(options), deadline_at - monotonic()
            told = partial(send, pipe), partial(_pause, os.getppid()), line_of
            fetch(engine, items, sink, options, left_s, stops, *told)
    except BrokenPipeError:
        raise  # the parent is gone: there is nobody to tell
    except BaseException as error:
        send(pipe, describe(error))
        raise


def _pause(parent: int, over: Event) -> None:
    """Wait; end the downloads, whose bodies are discarded, if the parent has died."""
    over.wait(_PAUSE_S)
    if os.getppid() != parent:
        raise BrokenPipeError


def describe(error: BaseException) -> str:
    """Describe an error for a person: by its message alone if it was foreseen."""
    if isinstance(error, (OSError, ValueError)):
        return f"fetcher: {error}"
    import traceback  # noqa: PLC0415 - hardly ever needed

    return "".join(traceback.format_exception(error)).rstrip()
