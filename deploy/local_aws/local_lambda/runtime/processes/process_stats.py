"""Figures of a process from Linux's /proc; 0 on other systems."""

import os
from collections.abc import Iterator

_PAGE_KB = os.sysconf("SC_PAGE_SIZE") // 1024
_ENOUGH_BYTES = 16_384


def peak_kb(pid: int) -> int:
    """Return the most memory a process has had resident at once."""
    return _field(f"/proc/{pid}/status", b"VmHWM:")


def resident_kb(pid: int) -> int:
    """
    Return the resident memory of a process and its descendants.

    Pages that a child shares with its parent are counted once.
    """
    own = _read(f"/proc/{pid}/statm").split()
    if len(own) < 2:  # noqa: PLR2004 - gone, or never there
        return 0
    return int(own[1]) * _PAGE_KB + sum(map(_private_kb, _descendants(pid)))


def core_wait_s(pid: int) -> float:
    """Return the seconds a process was ready to run but had no core."""
    schedstat = _read(f"/proc/{pid}/schedstat").split()
    return int(schedstat[1]) / 1e9 if schedstat else 0.0


def _private_kb(pid: int) -> int:
    path = f"/proc/{pid}/smaps_rollup"
    return _field(path, b"Private_Clean:") + _field(path, b"Private_Dirty:")


def _descendants(pid: int) -> Iterator[int]:
    try:
        threads = os.listdir(f"/proc/{pid}/task")  # noqa: PTH208 - see _read
    except OSError:
        return
    for thread in threads:
        for child in _read(f"/proc/{pid}/task/{thread}/children").split():
            yield int(child)
            yield from _descendants(int(child))


def _field(path: str, name: bytes) -> int:
    _, _, rest = _read(path).partition(name)
    return int(rest.split(maxsplit=1)[0]) if rest else 0


def _read(path: str) -> bytes:
    # Some thousand times a second: pathlib and text files would double the cost.
    try:
        file = os.open(path, os.O_RDONLY)
    except OSError:
        return b""
    try:
        return os.read(file, _ENOUGH_BYTES)
    except OSError:  # it ended between the two
        return b""
    finally:
        os.close(file)
