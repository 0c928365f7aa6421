"""Shards that the handler is given in this process."""

from __future__ import annotations

import json

from fetcher import handler
from fetcher.contract.options import Options
from fetcher.contract.shard import Report, Shard


class Context:
    """What the handler uses of Lambda's context."""

    def get_remaining_time_in_millis(self):
        return 60_000


def invoke(source, sink, **options):
    """Return the report of a shard with that source and sink."""
    shard = Shard(
        run="r",
        index=3,
        source=source,
        sink=sink,
        options=Options(allow_private=True, connections=4, attempts=1, **options),
    )
    event = json.loads(shard.to_json())
    return Report.from_dict(json.loads(json.dumps(handler.download(event, Context()))))
