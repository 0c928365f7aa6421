"""Child process that downloads what it is dealt and sends back what ended."""

from __future__ import annotations

import os
import signal
from time import monotonic
from typing import TYPE_CHECKING, NoReturn

from fetcher.command.download_loop import fetch
from fetcher.command.graceful_stop import SIGNALS, Stops
from fetcher.command.result_pipe import send
from fetcher.transfer.transfers import engine_for

if TYPE_CHECKING:
    from collections.abc import Iterable
    from threading import Event

    from fetcher.command.result_batch import Ended, LineOf
    from fetcher.contract.options import Options
    from fetcher.contract.source import Item
    from fetcher.transfer.sink import Sink

_LOOK_EVERY_S = 0.1  # at the parent


class Child:
    """
    The work of a process that was forked to do nothing else.

    Args:
        answer: The pipe to send what ended to.

        parent: The process at its other end.

        line_of: As for `Batch`.
    """

    def __init__(self, answer: int, parent: int, line_of: LineOf) -> None:
        self._answer = answer
        self._parent = parent
        self._line_of = line_of

    def work(
        self,
        items: Iterable[Item | None],
        sink: Sink,
        options: Options,
        deadline_at: float,
    ) -> NoReturn:
        """
        Download, then end this process.

        Args:
            items: What to fetch, as for `fetch`.

            sink: Where bodies go.

            options: The process's share.

            deadline_at: On the monotonic clock.
        """
        status = 1
        try:
            self._fetch(items, sink, options, deadline_at)
            status = 0
        except BrokenPipeError:
            pass  # the parent is gone: there is nobody to tell
        except BaseException as error:  # noqa: BLE001 - the parent shows it
            send(self._answer, describe(error))
        finally:
            os._exit(status)

    def _fetch(
        self,
        items: Iterable[Item | None],
        sink: Sink,
        options: Options,
        deadline_at: float,
    ) -> None:
        with Stops() as stops:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
            engine, left_s = engine_for(options), deadline_at - monotonic()
            told = self._send, self._pause, self._line_of
            fetch(engine, items, sink, options, left_s, stops, *told)

    def _send(self, ended: Ended) -> None:
        send(self._answer, ended)

    def _pause(self, over: Event) -> None:
        """End the downloads if the parent has died."""
        over.wait(_LOOK_EVERY_S)
        if os.getppid() != self._parent:
            raise BrokenPipeError


def describe(error: BaseException) -> str:
    """Describe an error for a person: by its message alone if it was foreseen."""
    if isinstance(error, (OSError, ValueError)):
        return f"fetcher: {error}"
    import traceback  # noqa: PLC0415 - hardly ever needed

    return "".join(traceback.format_exception(error)).rstrip()
