"""Work of a child process: it downloads what it is dealt and sends back what ended."""

from __future__ import annotations

import signal
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING

from fetcher.command.download_loop import fetch
from fetcher.command.graceful_stop import SIGNALS, Stops
from fetcher.command.result_pipe import send
from fetcher.transfer.transfers import engine_for

if TYPE_CHECKING:
    from collections.abc import Iterable
    from threading import Event

    from fetcher.command.result_batch import LineOf
    from fetcher.contract.options import Options
    from fetcher.contract.source import Item
    from fetcher.transfer.sink import Sink

_PAUSE_S = 0.1


def work(
    items: Iterable[Item | None],
    sink: Sink,
    options: Options,
    deadline_at: float,
    line_of: LineOf,
    pipe: int,
) -> None:
    """
    Download, as `fetch` does, and send what ended, or an error, through a pipe.

    The deadline is on the monotonic clock. The signals are blocked until here.
    """
    try:
        with Stops() as stops:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
            engine, left_s = engine_for(options), deadline_at - monotonic()
            told = partial(send, pipe), _pause, line_of
            fetch(engine, items, sink, options, left_s, stops, *told)
    except BrokenPipeError:
        raise  # the parent is gone: there is nobody to tell
    except BaseException as error:
        send(pipe, describe(error))
        raise


def _pause(over: Event) -> None:
    over.wait(_PAUSE_S)


def describe(error: BaseException) -> str:
    """Describe an error for a person: by its message alone if it was foreseen."""
    if isinstance(error, (OSError, ValueError)):
        return f"fetcher: {error}"
    import traceback  # noqa: PLC0415 - hardly ever needed

    return "".join(traceback.format_exception(error)).rstrip()
