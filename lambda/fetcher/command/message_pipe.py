"""Messages that processes send to their parent through pipes."""

from __future__ import annotations

import marshal
import os
import struct
from typing import TYPE_CHECKING

from fetcher.command.result_batch import Ended

if TYPE_CHECKING:
    from collections.abc import Iterator


_LENGTH = struct.Struct("=I")  # of a message
_READ = 1 << 18  # bytes


def send(pipe: int, message: Ended | str) -> None:
    """
    Send what ended, or an error message, whole.

    Raises:
        BrokenPipeError: If nobody will read it.
    """
    # The quickest there is, and both ends run the same Python.
    data = marshal.dumps(message if isinstance(message, str) else tuple(message))
    rest = memoryview(_LENGTH.pack(len(data)) + data)
    while rest:
        rest = rest[os.write(pipe, rest) :]


class Messages:
    """Messages arriving through a pipe."""

    def __init__(self, pipe: int) -> None:
        self._pipe = pipe
        self._came = bytearray()
        self.ended = False

    def receive(self) -> Iterator[Ended | str]:
        """
        Read once, and yield the messages that are complete by now.

        A message whose sender died while writing it is never yielded.
        """
        data = os.read(self._pipe, _READ)
        self.ended = not data
        self._came += data
        while len(self._came) >= _LENGTH.size:
            (length,) = _LENGTH.unpack_from(self._came)
            end = _LENGTH.size + length
            if len(self._came) < end:
                return
            message = marshal.loads(self._came[_LENGTH.size : end])  # noqa: S302 - ours
            del self._came[:end]
            yield message if isinstance(message, str) else Ended(*message)
