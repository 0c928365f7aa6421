"""Bodies that do not come at once: in files of their own until they can be sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fetcher.contract.download_results import Download
from fetcher.contract.outcome import Outcome
from fetcher.s3.errors import LateError
from fetcher.s3.scratch_files import Part
from fetcher.security.masking import one_line
from fetcher.sinks.file_writing import write_all
from fetcher.transfer.sink import WHOLE

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from fetcher.s3.scratch_files import Files


def lost(error: OSError, what: str) -> Download:
    """Return how a download ended whose body came, and was lost on its way to S3."""
    where = f" at {error.filename}" if error.filename else ""
    message = f"could not keep the {what}{where}: {error.strerror or error}"
    is_late = isinstance(error, LateError)
    outcome = Outcome.UNSTARTED if is_late else Outcome.SINK
    return Download(outcome, detail=one_line(message))


class SpooledBody:
    """
    A body on its way.

    Args:
        keep: Given the whole body, which it releases unless it fails, and what is
            known of it; returns where that will be.

        skip: Bytes of the file to leave out before it.
    """

    __slots__ = ("_file", "_files", "_keep", "_size")

    def __init__(
        self, files: Files, keep: Callable[[Part, Download], str], skip: int = 0
    ) -> None:
        self._files = files
        self._keep = keep
        self._size = 0
        self._file = files.take()
        self._file.seek(skip)

    def write(self, parts: Sequence[bytes]) -> None:
        """Take in the next parts."""
        write_all(self._file.fileno(), parts)
        self._size += sum(map(len, parts))

    def commit(self, download: Download = WHOLE) -> str:
        """Pass it on."""
        return self._keep(Part(self._file, self._size, self._files), download)

    def discard(self) -> None:
        """Leave nothing of it."""
        self._files.give(self._file)
