"""Lambda's door: an event that is a shard in, a report out."""

from __future__ import annotations

import os
import uuid
from pathlib import Path
from time import monotonic, process_time, time
from typing import TYPE_CHECKING, Any

from fetcher.download import Job, engine_for
from fetcher.downloads import Download, Downloads
from fetcher.memory import peak_rss_bytes
from fetcher.shard import Report, Shard
from fetcher.sinks.directory import Directory
from fetcher.sinks.discard import Discard
from fetcher.sinks.scratch import Scratch
from fetcher.tally import Tally

if TYPE_CHECKING:
    from awslambdaric.lambda_context import LambdaContext

    from fetcher.options import SinkSpec
    from fetcher.sinks.sink import Sink
    from fetcher.source import Item

# Kept back from Lambda's timeout: breaking off, removing the scratch folder, reporting.
_REPORTING_S = 2.0
_REPORTING_SHARE = 0.1

_execution = uuid.uuid4().hex
_invocations = 0


def download(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """
    Fetch the URLs of one shard.

    Args:
        event: A `Shard` as JSON.

        context: Lambda's; its remaining time bounds the shard's deadline.

    Returns:
        A `Report` as JSON.

    Raises:
        ValueError: If the event is not a shard this worker understands.
    """
    global _invocations  # noqa: PLW0603 - a warm environment is one that remembers
    _invocations += 1
    started_at = time()
    shard = Shard.from_dict(event)
    remaining_s = context.get_remaining_time_in_millis() / 1_000
    deadline_at = monotonic() + min(shard.deadline_s, usable_s(remaining_s))
    return _report(shard, deadline_at, started_at).to_dict()


def usable_s(timeout_s: float) -> float:
    """
    Return how much of Lambda's timeout downloads may use, in seconds.

    >>> usable_s(300.0), usable_s(3.0)
    (298.0, 2.7)
    """
    return timeout_s - min(_REPORTING_S, _REPORTING_SHARE * timeout_s)


def _report(shard: Shard, deadline_at: float, started_at: float) -> Report:
    tally = Tally()
    downloads = Downloads(len(shard.source))

    def account(index: int, _: Item, download: Download) -> None:
        downloads[index] = download
        tally.add(download.outcome, download.body_bytes, download.seconds)

    engine = engine_for(shard.options)
    cpu_before_s = process_time()
    sink = _sink(shard.sink)
    try:
        downloading_at = time()
        job = Job(shard.source, sink, shard.options, account)
        job.run(engine, deadline_at - monotonic())
        downloaded_at = time()
    finally:
        sink.close()
    return Report(
        run=shard.run,
        index=shard.index,
        wave=shard.wave,
        execution=os.environ.get("AWS_LAMBDA_LOG_STREAM_NAME", _execution),
        cold=_invocations == 1,
        started_at=started_at,
        downloading_at=downloading_at,
        downloaded_at=downloaded_at,
        tally=tally,
        downloads=downloads,
        cpu_s=process_time() - cpu_before_s,
        peak_rss_bytes=peak_rss_bytes(),
        engine=engine.name,
    )


def _sink(spec: SinkSpec) -> Sink:
    if spec.kind == "discard":
        return Discard()
    if spec.path:
        return Directory(Path(spec.path))
    return Scratch()
