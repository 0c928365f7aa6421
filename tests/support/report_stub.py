"""
Lambda's Invoke as a process of its own that downloads nothing and reports success.

``GET /`` returns what it saw: calls, URLs, and when the first and last came.
"""

import asyncio
import json
import random
import time
from functools import lru_cache

from tests.support.stub_process import Caller, running, serve

from fetcher.contract.download_results import Download, Downloads
from fetcher.contract.outcome import Outcome
from fetcher.contract.shard_messages import Report
from fetcher.contract.tally import Tally


def report_stub():
    """Run the stub; its address has no path."""
    return running(__name__)


@lru_cache
def all_ok(count):
    """Return downloads that take about as long as on a busy machine."""
    chance = random.Random(count)
    downloads = Downloads(count)
    for place in range(count):
        downloads[place] = Download(
            Outcome.OK,
            200,
            10_000,
            started_s=place / 10_000,
            seconds=chance.lognormvariate(-5, 0.5),
            attempts=1,
        )
    return downloads.to_dict(), downloads.tally().to_dict()


def report_on(event):
    count = sum(length for _, length in event["source"]["ranges"])
    now = time.time()
    plain = Report(
        run=event["run"],
        index=event["index"],
        wave=event["wave"],
        execution="stub",
        cold=False,
        started_at=now,
        downloading_at=now,
        downloaded_at=now + 1,
        tally=Tally(),
        downloads=Downloads(0),
        cpu_s=0.0,
        peak_rss_bytes=1,
        engine="stub",
    ).to_dict()
    plain["downloads"], plain["tally"] = all_ok(count)
    return count, plain


class Reporter(Caller):
    def __init__(self, seen):
        self.seen = seen

    def seen_so_far(self):
        return self.seen

    def invoke(self, payload):
        self.seen["last_at"] = time.time()
        self.seen["first_at"] = self.seen["first_at"] or self.seen["last_at"]
        count, report = report_on(json.loads(payload))
        self.seen["calls"] += 1
        self.seen["files"] += count
        self.answer(json.dumps(report).encode())


if __name__ == "__main__":
    seen = {"calls": 0, "files": 0, "first_at": None, "last_at": None}
    asyncio.run(serve(lambda: Reporter(seen)))
