"""Waiting for what must come."""

import time

WAIT_S = 180  # upper bound of every wait here; nothing takes it unless it is broken


def eventually(condition, *, within_s=20, every_s=0.01):
    """Wait until a condition holds, and return what it then is."""
    deadline = time.monotonic() + within_s
    while not (found := condition()):
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(every_s)
    return found
