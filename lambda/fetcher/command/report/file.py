"""The report file: written by one run only, and not removed unnoticed."""

from __future__ import annotations

import errno
import fcntl
import os
import re
import stat
import time
from contextlib import ExitStack
from functools import cache
from io import FileIO
from pathlib import Path
from typing import TYPE_CHECKING, Self

from fetcher.command.progress import tell
from fetcher.lists.file_names import PART
from fetcher.sinks.file_writing import create

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import BinaryIO

_LOCKS = Path("/proc/locks")  # on Linux
# Children of a run that was killed hold on to its report until they notice.
_PATIENCE_S = 1.0
_LOOK_EVERY_S = 0.05
_STANDARD = {"/dev/stdout": 1, "/dev/stderr": 2}
_NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP)


class ReportFile:
    """
    The report, open to append to; locked, unless it is a pipe or a device.

    One that is open already, ``/dev/stdout`` say, is only added to, as a pipe is.

    Where the file system has no locks, it is written without one, and that is said.

    Args:
        path: Where it is, or is to be.

        name: What messages call it; None: its path.

    Raises:
        ValueError: If another process is writing it.

        OSError: If it cannot be opened.
    """

    def __init__(self, path: Path, name: Path | None = None) -> None:
        self._path = path
        self._name = name or path
        self._file = _locked(path)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def __str__(self) -> str:
        return str(self._name)

    @property
    def is_regular(self) -> bool:
        """Whether it is a regular file, so that it can be read, too."""
        return _descriptor_of(self._path) is None and _is_regular(self._file)

    def reader(self) -> BinaryIO:
        """Open it to be read."""
        return self._path.open("rb")

    def replace(self, lines: Iterable[bytes]) -> None:
        """Replace its content by these lines, in one step."""
        path = self._path.resolve()  # a link stays one
        aside = path.with_name(path.name + PART)
        new = FileIO(create(str(aside)), "w")
        try:
            with open(new.fileno(), "wb", closefd=False) as file:
                file.writelines(lines)
            os.fsync(new.fileno())
            _lock(new)
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
        Check that the path still leads to this file.

        It is not created again: whoever removed it may not want it, or may have begun
        another one there.

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
    """Lock a file; tell whether it is this process's now."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise
        _say_once(
            "fetcher: --report cannot be locked on this file system: let no other run "
            "write the same report."
        )
    return True


@cache
def _say_once(line: str) -> None:
    tell(line)


def _opened(path: Path) -> FileIO:
    if (descriptor := _descriptor_of(path)) is not None:
        return FileIO(os.dup(descriptor), "w")  # what else is printed follows there
    # A pipe must not be opened to read, too: then its reader may be missed.
    mode = "ab+" if path.is_file() or not path.exists() else "ab"
    return FileIO(path, mode)


def _is_regular(file: FileIO) -> bool:
    return stat.S_ISREG(os.fstat(file.fileno()).st_mode)


def _descriptor_of(path: Path) -> int | None:
    """Return the descriptor that a path such as ``/dev/stdout`` names; None: none."""
    name = str(path.absolute())
    found = re.fullmatch(r"/(?:dev|proc/self)/fd/(\d+)", name)
    return int(found[1]) if found else _STANDARD.get(name)


def _leads_to(path: Path, file: FileIO) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(file.fileno()))
    except FileNotFoundError:
        return False


def _holder(file: FileIO) -> str:
    """Return who has locked a file, where the system tells."""
    inode = os.fstat(file.fileno()).st_ino
    try:
        locks = _LOCKS.read_text()
    except OSError:
        locks = ""
    found = re.search(rf" FLOCK +ADVISORY +WRITE +([1-9]\d*) [^ ]*:{inode} ", locks)
    return f"process {found[1]}" if found else "another process"
