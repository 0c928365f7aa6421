"""Child process that downloads what it is dealt and sends back what ended."""

from __future__ import annotations

import os
import signal
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING, NoReturn

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

_LOOK_EVERY_S = 0.1  # at the parent


def work(
    items: Iterable[Item | None],
    sink: Sink,
    options: Options,
    deadline_at: float,
    line_of: LineOf,
    pipe: int,
    parent: int,
) -> NoReturn:
    """
    Download, then end this process, which was forked to do nothing else.

    What ended goes through the pipe to the parent. The deadline is on the monotonic
    clock; the others are as for `fetch`.
    """

    def pause(over: Event) -> None:
        """End the downloads if the parent has died."""
        over.wait(_LOOK_EVERY_S)
        if os.getppid() != parent:
            raise BrokenPipeError

    status = 1
    try:
        with Stops() as stops:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
            engine, left_s = engine_for(options), deadline_at - monotonic()
            told = partial(send, pipe), pause, line_of
            fetch(engine, items, sink, options, left_s, stops, *told)
        status = 0
    except BrokenPipeError:
        pass  # the parent is gone: there is nobody to tell
    except BaseException as error:  # noqa: BLE001 - the parent shows it
        send(pipe, describe(error))
    finally:
        os._exit(status)


def describe(error: BaseException) -> str:
    """Describe an error for a person: by its message alone if it was foreseen."""
    if isinstance(error, (OSError, ValueError)):
        return f"fetcher: {error}"
    import traceback  # noqa: PLC0415 - hardly ever needed

    return "".join(traceback.format_exception(error)).rstrip()
