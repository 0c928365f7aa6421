"""Shards that the handler is given in this process."""

from __future__ import annotations

import json
import time

from fetcher import handler
from fetcher.contract.options import Options
from fetcher.contract.shard_messages import Report, Shard


class Context:
    """What the handler uses of Lambda's context."""

    def __init__(self, remaining_s=60.0):
        self._until = time.monotonic() + remaining_s

    def get_remaining_time_in_millis(self):
        return int((self._until - time.monotonic()) * 1_000)


def report_of(shard, context=None):
    """Return the report of a shard; both travel as JSON."""
    event = json.loads(shard.to_json())
    answer = handler.download(event, context or Context())
    return Report.from_dict(json.loads(json.dumps(answer)))


def invoke(source, sink, **options):
    """Return the report of a shard with that source and sink."""
    options = Options(allow_private=True, connections=4, attempts=1, **options)
    return report_of(Shard(run="r", index=3, source=source, sink=sink, options=options))
