"""
The output of functions: one file and one log stream per environment.

The environment appends to its file itself, and so does Lambda with its START, END and
REPORT lines. The file is therefore the log in its true order, costs no descriptor
while it is not read, and keeps the last words of a killed process.
"""

import contextlib
import functools
import logging
import os
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

TAIL_BYTES = 4096  # "the last 4 KB": Invoke in boto3's documentation
_CHUNK_BYTES = 1024 * 1024
_FULL_BYTES = 16 * 1024 * 1024
_BACKLOG_BYTES = 64 * 1024 * 1024  # a function may print faster than we can read
_EVENT_BYTES = 256 * 1024

_logger = logging.getLogger(__name__)


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

    What cannot be written or read is lost, with a warning in the endpoint's own log: a
    full disk must not fail the invocation, too.

    Args:
        path: The file, which may not exist yet.
    """

    def __init__(self, path: Path, stream: Stream) -> None:
        self.path = path
        self.stream = stream
        self._collected = 0

    @property
    def backlog(self) -> int:
        """Bytes not collected yet."""
        try:
            return max(self.path.stat().st_size - self._collected, 0)
        except OSError:  # not started yet
            return 0

    def write(self, text: str, *, is_last: bool = False) -> int:
        """
        Append lines of Lambda's own; return where they start.

        Args:
            text: The lines.

            is_last: Whether an invocation ends with them. Then what was not collected
                yet goes to the stream, and stays in the file for `tail`.
        """
        size = self._collected
        with _unless_it_fails(), self._opened() as file:
            size = os.fstat(file).st_size
            if size and os.pread(file, 1, size - 1) != b"\n":
                text = f"\n{text}"
            line = text.encode()
            os.write(file, line)
            if is_last:
                self._collect(file, size + len(line))
        return size

    def collect(self) -> int:
        """Hand up to 1 MB of new lines to the stream; return how many bytes it was."""
        if not self.backlog and self._collected <= _FULL_BYTES:
            return 0
        with _unless_it_fails(), self._opened() as file:
            size = os.fstat(file).st_size
            if size - self._collected > _BACKLOG_BYTES:
                return self._drop(file, size)
            taken = self._collect(file, size)
            # What is printed within these microseconds is lost; a file without bounds
            # would cost everybody more.
            if self._collected == size > _FULL_BYTES:
                self._empty(file)
            elif taken < _CHUNK_BYTES // 2 and self._collected > _BACKLOG_BYTES:
                self._drop(file, size)
            return taken
        return 0

    def drop(self) -> None:
        """Give up what is not collected, and say so in the stream."""
        if self.backlog:
            with _unless_it_fails(), self._opened() as file:
                self._drop(file, os.fstat(file).st_size)

    def skip(self) -> None:
        """Take what is written for collected."""
        self._collected += self.backlog

    def tail(self, since: int) -> bytes:
        """Return the last 4 KB written after an offset."""
        with _unless_it_fails(), self._opened() as file:
            size = os.fstat(file).st_size
            start = max(since if since <= size else 0, size - TAIL_BYTES)
            return _shown(os.pread(file, size - start, start))
        return b""

    @contextlib.contextmanager
    def _opened(self) -> Iterator[int]:
        file = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            yield file
        finally:
            os.close(file)

    def _collect(self, file: int, size: int) -> int:
        # Room for a whole chunk, if it is not needed, costs more than all the rest.
        length = min(max(size - self._collected, 0), _CHUNK_BYTES)
        read = os.pread(file, length, self._collected)
        end = read.rfind(b"\n") + 1
        if len(read) == _CHUNK_BYTES and not end:
            end = len(read)
        now = _now_ms()
        for line in read[:end].split(b"\n"):
            for start in range(0, len(line), _EVENT_BYTES):
                event = _shown(line[start : start + _EVENT_BYTES])
                self.stream.pending.append((now, event.decode(errors="replace")))
        self._collected += end
        return end

    def _drop(self, file: int, size: int) -> int:
        lost = size - self._collected
        self._empty(file)
        text = f"{lost:,} bytes are lost: the function printed more than can be kept."
        _logger.warning("%s: %s", self.stream.group, text)
        self.stream.pending.append((_now_ms(), f"[local Lambda] {text}"))
        return lost

    def _empty(self, file: int) -> None:
        os.ftruncate(file, 0)
        self._collected = 0


def _now_ms() -> int:
    return int(time.time() * 1000)


@contextlib.contextmanager
def _unless_it_fails() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        _warn_of_lost_lines(error.errno)


@functools.cache  # once for each reason
def _warn_of_lost_lines(number: int) -> None:
    reason = os.strerror(number)
    _logger.warning("Lines of functions' logs are lost: %s.", reason)


def _shown(text: bytes) -> bytes:
    r"""Show tracebacks as AWS does; awslambdaric joins their lines with ``\r``."""
    return text.replace(b"\r", b"\n")
