"""A sink that is full, and the downloads that wait for it."""

from __future__ import annotations

import threading
from time import sleep

from tests.support.s3_proxy import WAIT_S
from tests.support.waiting import eventually

from fetcher.contract.options import Options
from fetcher.transfer.scheduler import Scheduler, engine_for


def fetch_while_full(origin, items, sink, taken):
    """
    Fetch items into a sink that gets full, and is so until `taken` is set.

    Returns:
        How many were begun when it was full, how many a little later, and how many have
        ended after all.
    """
    options, ended = Options(allow_private=True, connections=4), []
    job = Scheduler(items, sink, options, lambda *one: ended.append(one))
    run = threading.Thread(target=job.run, args=(engine_for(options), WAIT_S))
    run.start()
    eventually(lambda: sink.is_full and not job._in_flight)
    begun = len(origin.requests)
    sleep(0.3)
    waited = len(origin.requests)
    taken.set()
    run.join(WAIT_S)
    return begun, waited, len(ended)
