"""Folders below a root, held open, so that no symbolic link leads out of it."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import resource
import stat

from fetcher.contract.options import DESCRIPTORS, DESCRIPTORS_KEPT_BACK

# O_PATH, where there is one, asks for no permission to list the folder.
_ROOT = getattr(os, "O_PATH", os.O_RDONLY) | os.O_DIRECTORY | os.O_CLOEXEC
_BELOW = _ROOT | os.O_NOFOLLOW
_CLOSED = -1
_FEWEST_OPEN = 32  # of the descriptors that connections leave
MOST_OPEN = 4_096
_IS_LINK = "a symbolic link, and none is followed here"


class OpenFolders:
    """
    Folders that are created when first needed.

    Each is opened from its parent's descriptor, and its files are named relative to
    its own: whatever becomes of the path meanwhile, they are below the root. That
    costs no more than walking a path for every file. The root itself may be, and be
    below, a symbolic link: whoever named it wants that.
    """

    def __init__(self, root: str) -> None:
        self._path = root
        self._open: dict[str, int] = {}
        self._root = _CLOSED
        self._root = os.open(root, _ROOT)
        soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        above = (soft - DESCRIPTORS - DESCRIPTORS_KEPT_BACK) // 2  # see `room`
        above = MOST_OPEN if soft == resource.RLIM_INFINITY else above
        self._is_above = above > _FEWEST_OPEN
        self._most = max(_FEWEST_OPEN, min(above, MOST_OPEN))

    def at(self, folder: str) -> int:
        """
        Return a folder's descriptor; it is good until the next call.

        The name is relative to the root, without dots; empty: the root.

        Raises:
            OSError: If it is not a folder, or cannot be made.
        """
        found = self._open.get(folder)
        return self._walk(folder) if found is None else found

    def close(self) -> None:
        """Close all folders."""
        while self._open:
            os.close(self._open.popitem()[1])
        root, self._root = self._root, _CLOSED
        if root != _CLOSED:
            os.close(root)

    def __del__(self) -> None:
        self.close()

    def _walk(self, folder: str) -> int:
        """Open a folder, from the closest one above it that is open."""
        end = len(folder)
        while end > 0 and folder[:end] not in self._open:
            end = max(0, folder.rfind("/", 0, end))
        descriptor = self._open[folder[:end]] if end else self._root
        while end < len(folder):
            start = end + 1 if end else 0
            end = folder.find("/", start)
            end = len(folder) if end < 0 else end
            descriptor = self._enter(descriptor, folder[start:end], folder[:end])
        return descriptor

    def _enter(self, parent: int, name: str, folder: str) -> int:
        try:
            descriptor = _opened(parent, name)
        except OSError as error:
            error.filename = f"{self._path}/{folder}"
            raise
        if len(self._open) >= self._most:
            os.close(self._open.pop(next(iter(self._open))))
        if self._is_above:  # libcurl can only wait for sockets below
            low = descriptor
            try:
                descriptor = fcntl.fcntl(low, fcntl.F_DUPFD_CLOEXEC, DESCRIPTORS)
            finally:
                os.close(low)
        self._open[folder] = descriptor
        return descriptor


def _opened(parent: int, name: str) -> int:
    try:
        return os.open(name, _BELOW, dir_fd=parent)
    except FileNotFoundError:
        with contextlib.suppress(FileExistsError):  # another process may be quicker
            os.mkdir(name, dir_fd=parent)
        return os.open(name, _BELOW, dir_fd=parent)
    except OSError as error:
        if error.errno in (errno.ENOTDIR, errno.ELOOP) and _is_link(parent, name):
            raise OSError(errno.ELOOP, _IS_LINK) from error
        raise


def _is_link(parent: int, name: str) -> bool:
    return stat.S_ISLNK(os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode)
