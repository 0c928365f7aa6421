"""Children of a command that a test ends, as a machine out of memory would."""

import psutil
from tests.support.child_processes import alive
from tests.support.interrupted_run import until


def child_with(pid, *words):
    """Return the process below another one whose command line has these words."""
    (found,) = (
        child
        for child in psutil.Process(pid).children(recursive=True)
        if set(words) <= set(child.cmdline())
    )
    return found


def kill(process):
    """End a process; its parent is left to notice."""
    process.kill()
    until(lambda: not alive(process.pid))
