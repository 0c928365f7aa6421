"""A disk that is full, without one."""

import resource
from contextlib import contextmanager


@contextmanager
def no_file_larger_than(size):
    """The form of a full disk that can be had everywhere."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
