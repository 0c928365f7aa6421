"""The report's file: one run writes it, and nobody pulls it away unnoticed."""

from __future__ import annotations

import fcntl
import os
import re
import stat
import time
from contextlib import ExitStack
from io import FileIO
from pathlib import Path
from typing import TYPE_CHECKING, Self

from fetcher.lists.file_names import PART
from fetcher.sinks.directory import create

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import BinaryIO

_LOCKS = Path("/proc/locks")  # on Linux
# Children of a run that was killed hold on to its report until they notice.
_PATIENCE_S = 1.0
_LOOK_EVERY_S = 0.05


class ReportFile:
    """
    The file, open to append to.

    A file is locked, as the folder of a run in the experiment is; a pipe or a device
    is just written to.

    Args:
        path: Where it is, or is to be.

    Raises:
        ValueError: If another process is writing it.

        OSError: If it cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = _locked(path)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def __str__(self) -> str:
        return str(self._path)

    @property
    def is_regular(self) -> bool:
        """Whether it is a file that what was written can be read from."""
        return _is_regular(self._file)

    def reader(self) -> BinaryIO:
        """Open what stands in it to be read."""
        return self._path.open("rb")

    def replace(self, lines: Iterable[bytes]) -> None:
        """Put these lines in its place; until then, it is as it was."""
        path = self._path.resolve()  # a link stays one
        aside = path.with_name(path.name + PART)
        new = FileIO(create(str(aside)), "w")
        try:
            with open(new.fileno(), "wb", closefd=False) as file:
                file.writelines(lines)
            os.fsync(new.fileno())
            fcntl.flock(new, fcntl.LOCK_EX | fcntl.LOCK_NB)
            aside.replace(path)
        except BaseException:
            new.close()
            aside.unlink(missing_ok=True)
            raise
        self._file.close()
        self._file = new

    def write(self, lines: bytes) -> None:
        """
        Append lines and push them out.

        Raises:
            OSError: If they cannot be written, or nobody would find them.
        """
        self.check()
        left = memoryview(lines)
        while left:
            left = left[self._file.write(left) :]

    def check(self) -> None:
        """
        Make sure that the file is still what its path leads to.

        It is not made anew: whoever removed it may not want it, or have begun another
        one there.

        Raises:
            OSError: If it is not.
        """
        if self.is_regular and not _leads_to(self._path, self._file):
            msg = (
                f"--report {self} was removed or replaced while it was written, so the "
                "run has stopped. All files are kept, but what was reported is lost: "
                "the same command will fetch them again."
            )
            raise OSError(msg)


def _locked(path: Path) -> FileIO:
    """Open a report to append to, for this process and its children alone."""
    until = time.monotonic() + _PATIENCE_S
    while True:
        with ExitStack() as stack:
            file = stack.enter_context(_opened(path))
            if not _is_regular(file) or (_lock(file) and _leads_to(path, file)):
                stack.pop_all()
                return file
            # It may just have been replaced by whoever held the lock.
            if time.monotonic() >= until:
                msg = (
                    f"--report {path} is in use: {_holder(file)} is writing it. Wait "
                    "for its end, or name another file."
                )
                raise ValueError(msg)
        time.sleep(_LOOK_EVERY_S)


def _lock(file: FileIO) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _opened(path: Path) -> FileIO:
    # What is no file may be a pipe, which nobody reads if we have it open to read, too.
    mode = "ab+" if path.is_file() or not path.exists() else "ab"
    return FileIO(path, mode)


def _is_regular(file: FileIO) -> bool:
    return stat.S_ISREG(os.fstat(file.fileno()).st_mode)


def _leads_to(path: Path, file: FileIO) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(file.fileno()))
    except FileNotFoundError:
        return False


def _holder(file: FileIO) -> str:
    """Say who has locked a file, where the system tells."""
    inode = os.fstat(file.fileno()).st_ino
    try:
        locks = _LOCKS.read_text()
    except OSError:
        locks = ""
    found = re.search(rf" FLOCK +ADVISORY +WRITE +([1-9]\d*) [^ ]*:{inode} ", locks)
    return f"process {found[1]}" if found else "another process"
