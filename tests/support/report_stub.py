"""
Lambda's Invoke as a process of its own that downloads nothing and reports success.

``GET /`` tells what it was asked for: calls, URLs, and when the first and last came.
"""

import asyncio
import json
import random
import time
from functools import lru_cache

from tests.support.stub_process import content_length, running, serve

from fetcher.contract.downloads import Download, Downloads
from fetcher.contract.outcome import Outcome
from fetcher.contract.shard import Report
from fetcher.contract.tally import Tally


def report_stub():
    """Run the stub; its address has no path."""
    return running(__name__)


@lru_cache
def all_ok(many):
    """What becomes of files that take about as long as on a busy machine."""
    chance = random.Random(many)
    downloads = Downloads(many)
    for place in range(many):
        seconds = chance.lognormvariate(-5, 0.5)
        downloads[place] = Download(
            Outcome.OK, 200, 10_000, place / 10_000, seconds, attempts=1
        )
    return downloads.to_dict(), downloads.tally().to_dict()


def report_on(event):
    many = sum(many for _, many in event["source"]["ranges"])
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
    plain["downloads"], plain["tally"] = all_ok(many)
    return many, plain


class Caller(asyncio.Protocol):
    def __init__(self, seen):
        self.seen = seen

    def connection_made(self, transport):
        self.transport = transport
        self.unread = bytearray()

    def data_received(self, data):
        self.unread += data
        head, found, _ = self.unread[:2_000].partition(b"\r\n\r\n")
        end = len(head) + 4 + content_length(head)
        if not found or len(self.unread) < end:
            return
        body = bytes(self.unread[len(head) + 4 : end])
        del self.unread[:end]
        self.answer(self.seen if head.startswith(b"GET") else self.invoke(body))

    def invoke(self, body):
        self.seen["last_at"] = time.time()
        self.seen["first_at"] = self.seen["first_at"] or self.seen["last_at"]
        many, report = report_on(json.loads(body))
        self.seen["calls"] += 1
        self.seen["files"] += many
        return report

    def answer(self, told):
        body = json.dumps(told).encode()
        head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body)
        self.transport.write(head + body)


if __name__ == "__main__":
    seen = {"calls": 0, "files": 0, "first_at": None, "last_at": None}
    asyncio.run(serve(lambda: Caller(seen)))
