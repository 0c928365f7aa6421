"""The cost of running a program: time, CPU and memory of all its processes."""

from __future__ import annotations

import os
import re
import select
import signal
import subprocess
from contextlib import suppress
from pathlib import Path
from time import monotonic, thread_time
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_SAMPLE_EVERY_S = 0.02
_MOST_SHARE = 0.01  # of the time, spent on sampling
_CPU_FIELDS = slice(11, 15)  # utime to cstime, after the name: see proc_pid_stat(5)
_MEMORY = re.compile(r"^(VmRSS|VmHWM):\s*(\d+) kB$", re.MULTILINE)


class ProcessCost(NamedTuple):
    """
    The cost of one run.

    Attributes:
        wall_s: From before the start to after the end.

        cpu_s: User and system, of the process and of all descendants that were waited
            for; at the time limit, of all.

        peak_rss_bytes: The most memory that the process and its descendants held
            together in any sample, or that one of them ever held. The kernel's figure
            for the latter includes the memory of the parent at the fork.

        status: The exit status, negative for the signal that ended it.
    """

    wall_s: float
    cpu_s: float
    peak_rss_bytes: int
    status: int


def run(
    command: Sequence[str],
    *,
    folder: Path,
    environ: Mapping[str, str],
    output: Path,
    limit_s: float,
) -> ProcessCost:
    """
    Run a program to its end or to a time limit; nothing it started outlives this.

    It runs in a folder, with no other variables, and its output goes to a file.
    """
    with output.open("wb") as file:
        began = monotonic()
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            start_new_session=True,  # so that it and its children can be killed at once
        )
    try:
        peak_rss_bytes = _watch(process.pid, began + limit_s)
        wall_s = monotonic() - began
        # Nobody waits for the children of what is killed.
        cpu_s_now = sum(_cpu_s(member) for member in _family(process.pid))
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    cpu_s = max(cpu_s_now, usage.ru_utime + usage.ru_stime)
    return ProcessCost(wall_s, cpu_s, peak_rss_bytes, process.returncode)


def _watch(pid: int, until: float) -> int:
    """Sample the memory until the end; return the maximum."""
    most = 0
    descriptor = os.pidfd_open(pid)
    try:
        ended = select.poll()
        ended.register(descriptor, select.POLLIN)
        while monotonic() < until:
            before = thread_time()
            most = max(most, _rss_bytes(pid))
            pause_s = max(_SAMPLE_EVERY_S, (thread_time() - before) / _MOST_SHARE)
            if ended.poll(pause_s * 1e3):
                break
    finally:
        os.close(descriptor)
    return most


def _rss_bytes(pid: int) -> int:
    """Return the memory of all now, or the peak of a single one, if that is more."""
    held = [_held_kib(member) for member in _family(pid)]
    together = sum(now for now, _ in held)
    return max(together, *(peak for _, peak in held)) * 1_024


def _family(pid: int) -> Iterator[int]:
    """Yield a process and its descendants."""
    yield pid
    with suppress(OSError):  # it has ended
        for thread in Path(f"/proc/{pid}/task").iterdir():
            for child in _read(thread / "children").split():
                yield from _family(int(child))


def _held_kib(pid: int) -> tuple[int, int]:
    """Return the memory of a process now, and at its peak."""
    fields = dict(_MEMORY.findall(_read(Path(f"/proc/{pid}/status"))))
    return int(fields.get("VmRSS", 0)), int(fields.get("VmHWM", 0))


def _cpu_s(pid: int) -> float:
    """Return the CPU time of a process and of its children that were waited for."""
    fields = _read(Path(f"/proc/{pid}/stat")).rpartition(")")[2].split()
    return sum(map(int, fields[_CPU_FIELDS])) / os.sysconf("SC_CLK_TCK")


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:  # it has ended
        return ""
