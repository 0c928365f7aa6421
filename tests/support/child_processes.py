"""Child processes: started, found and killed, and none outlives its command."""

import subprocess
import sys
from contextlib import contextmanager, suppress

import psutil
from tests.support.waiting import eventually


@contextmanager
def started(*arguments, **options):
    """Run Python with arguments; yield the process and the first line it prints."""
    command = [sys.executable, *map(str, arguments)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, **options
    ) as process:
        try:
            yield process, process.stdout.readline()
        finally:
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(30)
            process.kill()


def family_of(pid):
    """Return a process, and all that it and its children started."""
    parent = psutil.Process(pid)
    return [parent, *parent.children(recursive=True)]


def alive(process):
    """Tell whether a process, or a pid, runs; a zombie only waits for its parent."""
    with suppress(psutil.NoSuchProcess):
        if isinstance(process, int):
            process = psutil.Process(process)
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    return False


def any_alive(pids):
    """Tell whether any of them runs."""
    return any(map(alive, pids))


def those_alive(processes, condition):
    """Yield those that meet a condition, and have not ended meanwhile."""
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            if condition(process):
                yield process


def child_with(pid, *words):
    """Return the process below another one whose command line has these words."""
    (found,) = those_alive(
        family_of(pid)[1:], lambda child: set(words) <= set(child.cmdline())
    )
    return found


def kill(process):
    """Kill a process as a machine out of memory would; its parent is left to notice."""
    process.kill()
    eventually(lambda: not alive(process))


def environments_of(pid):
    """Return the processes in which an endpoint's functions run."""
    found = []
    for child in psutil.Process(pid).children():
        with suppress(psutil.NoSuchProcess):
            if any("zygote_main" in word for word in child.cmdline()):
                found += child.children()
    return found
