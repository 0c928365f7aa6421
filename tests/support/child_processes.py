"""Processes that a command starts: none may outlive it."""

import psutil


def family_of(pid):
    """Return a process, and all that it and its children started."""
    parent = psutil.Process(pid)
    return [parent, *parent.children(recursive=True)]


def alive(pid):
    """Whether a process still runs; a zombie only waits for its parent to notice."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
