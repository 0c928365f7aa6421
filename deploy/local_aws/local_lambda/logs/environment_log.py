"""
The output of functions: one file and one log stream per environment.

The environment appends to its file itself, and so does Lambda with its START, END and
REPORT lines. The file is therefore the log in its true order, costs no descriptor
while it is not read, and keeps the last words of a killed process.
"""

import contextlib
import os
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

TAIL_BYTES = 4096  # "the last 4 KB": Invoke in boto3's documentation
_CHUNK_BYTES = 1024 * 1024
_FULL_BYTES = 16 * 1024 * 1024
_EVENT_BYTES = 256 * 1024


@dataclass(eq=False)
class Stream:
    """
    A log stream and the lines not sent yet.

    Attributes:
        pending: Milliseconds since the epoch, and text.

        ended:
            The function is deleted. What is pending may still go to its group, but
            must not bring a group back that was deleted with the function.
    """

    region: str
    group: str
    name: str
    pending: deque[tuple[int, str]] = field(default_factory=deque)
    created: bool = False
    ended: bool = False


class EnvironmentLog:
    """
    The log file of one environment.

    Args:
        path: The file, which may not exist yet.
    """

    def __init__(self, path: Path, stream: Stream) -> None:
        self.path = path
        self.stream = stream
        self._collected = 0

    def write(self, text: str, *, is_last: bool = False) -> int:
        """
        Append lines of Lambda's own; return where they start.

        Args:
            text: The lines.

            is_last: Whether an invocation ends with them. Then they and all before
                them go to the stream now.
        """
        with self._opened() as file:
            size = os.fstat(file).st_size
            if size and os.pread(file, 1, size - 1) != b"\n":
                text = f"\n{text}"
            line = text.encode()
            os.write(file, line)
            if is_last:
                self._collect(file, size + len(line))
        return size

    def collect(self) -> bool:
        """Hand up to 1 MB of new lines to the stream; True if there may be more."""
        try:
            size = self.path.stat().st_size
        except FileNotFoundError:  # not started yet
            return False
        if size == self._collected:
            return False
        with self._opened() as file:
            return self._collect(file, size)

    def tail(self, since: int) -> bytes:
        """Return the last 4 KB written after an offset."""
        with self._opened() as file:
            size = os.fstat(file).st_size
            start = max(since if since <= size else 0, size - TAIL_BYTES)
            return _shown(os.pread(file, size - start, start))

    @contextlib.contextmanager
    def _opened(self) -> Iterator[int]:
        file = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            yield file
        finally:
            os.close(file)

    def _collect(self, file: int, size: int) -> bool:
        # Room for a whole chunk, if it is not needed, costs more than all the rest.
        length = min(max(size - self._collected, 0), _CHUNK_BYTES)
        read = os.pread(file, length, self._collected)
        more = len(read) == _CHUNK_BYTES
        end = read.rfind(b"\n") + 1
        if more and not end:
            end = len(read)
        now = int(time.time() * 1000)
        for line in read[:end].split(b"\n"):
            for start in range(0, len(line), _EVENT_BYTES):
                event = _shown(line[start : start + _EVENT_BYTES])
                self.stream.pending.append((now, event.decode(errors="replace")))
        self._collected += end
        if self._collected > _FULL_BYTES and not more:
            # A background thread that prints within these microseconds loses a line;
            # a file without bounds would cost everybody more.
            os.ftruncate(file, 0)
            self._collected = 0
        return more


def _shown(text: bytes) -> bytes:
    r"""Show tracebacks as AWS does; awslambdaric joins their lines with ``\r``."""
    return text.replace(b"\r", b"\n")
