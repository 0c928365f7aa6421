"""
A /tmp for each sandbox, and read-only code and layers: Linux's mount namespaces.

Loaded by path from zygote_main.py; it must know nothing of this project either.

The zygote lives in a namespace of its own, where the code cannot be written to. For a
new sandbox it makes one more, mounts a tmpfs of the configured size on /tmp there,
forks the environment and returns home. A namespace lives as long as a process in it or
a descriptor of it: so a replaced process finds the files of the one before it, and when
the zygote has ended nothing is mounted any more, however it ended.

Root may do this anywhere but in most containers. Others make a user namespace first, in
which they have the right to mount; systems can refuse that, as Ubuntu's AppArmor does.
"""

import ctypes
import fcntl
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

TMP = Path("/tmp")  # noqa: S108 - the very one

# Of <sched.h>, <sys/mount.h> and <linux/capability.h>.
_CLONE_NEWNS = 0x0002_0000
_CLONE_NEWUSER = 0x1000_0000
_MS_RDONLY, _MS_NOSUID, _MS_NODEV, _MS_NOEXEC = 1, 2, 4, 8
_MS_REMOUNT, _MS_BIND, _MS_REC, _MS_SLAVE = 0x20, 0x1000, 0x4000, 0x8_0000
_CAPABILITY_VERSION_3 = 0x2008_0522

# Above all descriptors a zygote otherwise has, so that a child closes them in one go.
_FIRST_DESCRIPTOR = 256

_libc = ctypes.CDLL(None, use_errno=True)


def is_permitted(code: Sequence[Path]) -> bool:
    """Try, in a child, to protect these folders and to give it a /tmp."""
    if sys.platform != "linux":
        return False
    child = os.fork()
    if child == 0:
        status = 1
        try:
            tried = SandboxMounts(code)
            tried.protect()
            tried.enter("sandbox", size_mb=1)
            status = 0
        finally:
            os._exit(status)
    _, status = os.waitpid(child, 0)
    return status == 0


class SandboxMounts:
    """
    The sandboxes' namespaces. The process that makes it moves into its home.

    Args:
        code: The folders of the package and of its layers.

    Raises:
        OSError: If it may not; then it is in no defined state. See `is_permitted`.
    """

    def __init__(self, code: Sequence[Path]) -> None:
        self._code = code
        self._in_user_namespace = _unshare_mounts()
        # What others unmount goes here too; nothing goes from here to others.
        _mount(None, "/", None, _MS_REC | _MS_SLAVE)
        self._needed = _needed_below_tmp(code)
        self._descriptors: dict[str, int] = {}
        self._home = _namespace_of_this_process()

    def protect(self) -> None:
        """Let nobody in a sandbox write to the code; for sandboxes made from now on."""
        for folder in self._code:
            _mount(str(folder), str(folder), None, _MS_BIND)
            kept = os.statvfs(folder).f_flag & (_MS_NOSUID | _MS_NODEV | _MS_NOEXEC)
            flags = _MS_REMOUNT | _MS_BIND | _MS_RDONLY | kept
            _mount(None, str(folder), None, flags)

    def enter(self, sandbox: str, size_mb: int) -> None:
        """Move this process into a sandbox; what it forks then is in there."""
        known = self._descriptors.get(sandbox)
        if known is not None:
            _call(_libc.setns, known, _CLONE_NEWNS)
            return
        _call(_libc.unshare, _CLONE_NEWNS)
        _mount_tmp(size_mb, self._needed)
        self._descriptors[sandbox] = _namespace_of_this_process()

    def leave(self) -> None:
        """Move this process back home."""
        _call(_libc.setns, self._home, _CLONE_NEWNS)

    def forget(self, sandbox: str) -> None:
        """Let a sandbox go as soon as its last process has."""
        descriptor = self._descriptors.pop(sandbox, None)
        if descriptor is not None:
            os.close(descriptor)

    def stay(self) -> None:
        """Be in this sandbox for good: a forked child's part."""
        os.closerange(_FIRST_DESCRIPTOR, max(self._descriptors.values()) + 1)
        if self._in_user_namespace:
            _drop_capabilities()


def _unshare_mounts() -> bool:
    """Leave everybody else's mounts; True if that took a user namespace."""
    user, group = os.geteuid(), os.getegid()
    try:
        _call(_libc.unshare, _CLONE_NEWNS)
    except PermissionError:
        _call(_libc.unshare, _CLONE_NEWUSER | _CLONE_NEWNS)
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"{user} {user} 1")
        Path("/proc/self/gid_map").write_text(f"{group} {group} 1")
        return True
    return False


def _namespace_of_this_process() -> int:
    opened = os.open("/proc/self/ns/mnt", os.O_RDONLY)
    try:
        return fcntl.fcntl(opened, fcntl.F_DUPFD_CLOEXEC, _FIRST_DESCRIPTOR)
    finally:
        os.close(opened)


def _mount_tmp(size_mb: int, needed: list[Path]) -> None:
    """Put an empty /tmp over the machine's; what runs from there stays in sight."""
    below = {path: os.open(path, os.O_PATH) for path in needed}
    options = f"size={size_mb}m,mode=1777"
    _mount("tmpfs", str(TMP), "tmpfs", _MS_NOSUID | _MS_NODEV, options)
    for path, descriptor in below.items():
        path.mkdir(parents=True, exist_ok=True)
        _mount(f"/proc/self/fd/{descriptor}", str(path), None, _MS_BIND | _MS_REC)
        os.close(descriptor)


def _needed_below_tmp(code: Sequence[Path]) -> list[Path]:
    """Name the folders below /tmp without which nothing would run."""
    runtime = Path(__file__).parent
    imports = [Path(path) for path in (sys.prefix, sys.base_prefix, *sys.path)]
    folders = [path for path in (*code, runtime, *imports) if path.is_dir()]
    paths = {*folders, *(path.resolve() for path in folders)}
    below = sorted(path for path in paths if TMP in path.parents)
    return [path for path in below if not set(below) & set(path.parents)]


def _mount(
    source: str | None, target: str, kind: str | None, flags: int, options: str = ""
) -> None:
    encoded = [text and os.fsencode(text) for text in (source, target, kind, options)]
    source_, target_, kind_, options_ = encoded
    _call(_libc.mount, source_, target_, kind_, ctypes.c_ulong(flags), options_)


def _drop_capabilities() -> None:
    """Give up what a user namespace gave; an exec would take it, but there is none."""
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    _call(_libc.capset, header, (ctypes.c_uint32 * 6)())


def _call(function: Callable[..., int], *arguments: object) -> None:
    if function(*arguments):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
