"""Entry point for Lambda: an event that holds a shard in, a report out."""

from __future__ import annotations

import os
import uuid
from pathlib import Path
from time import monotonic, process_time, time
from typing import TYPE_CHECKING, Any

from fetcher.contract.download_results import Download, Downloads
from fetcher.contract.options import MAX_CONNECTIONS
from fetcher.contract.shard_messages import Report, Shard, fitting
from fetcher.contract.source import numbers_in
from fetcher.process.cores import cores
from fetcher.process.memory import peak_rss_bytes
from fetcher.process.memory_budget import OBJECTS_MB, connections_in
from fetcher.s3.urls import prefix_of
from fetcher.sinks.directory import Directory
from fetcher.sinks.discard import Discard
from fetcher.sinks.temporary_directory import Scratch
from fetcher.transfer.shard_work import fetch_shard

if TYPE_CHECKING:
    from collections.abc import Mapping

    from awslambdaric.lambda_context import LambdaContext

    from fetcher.contract.source import Ranges
    from fetcher.transfer.sink import Sink

# Reserved at the end of Lambda's timeout to break off, clean up and report.
_REPORTING_S = 2.0
_REPORTING_SHARE = 0.1
# Reserved after the last download for what a sink has yet to send.
_SETTLING_S = 5.0
_SETTLING_SHARE = 0.2
# https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html
_MB_PER_VCPU = 1_769
_FEWEST_URLS = 100  # in a process: to fork one takes as long as some downloads

_execution = uuid.uuid4().hex
_invocations = 0


def download(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """
    Fetch the URLs of one shard, within the time that Lambda leaves.

    Returns:
        A `Report` as JSON. The event is a `Shard` as JSON.

    Raises:
        ValueError: If the event is not a shard this worker understands.
    """
    global _invocations  # noqa: PLW0603 - a warm environment remembers
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
    downloads = Downloads(len(shard.source))
    cpu_before_s = process_time()
    sink = _sink(shard, deadline_at)
    try:
        downloading_at = time()
        left_s = deadline_at - monotonic()
        if sink.settles:
            left_s -= min(_SETTLING_S, _SETTLING_SHARE * left_s)
        processes = _processes(shard)
        fetched = fetch_shard(
            shard, sink, downloads, monotonic() + left_s, processes, _most_open(shard)
        )
        _correct(downloads, shard.source.ranges, sink.settle())
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
        tally=downloads.tally(),
        downloads=downloads,
        cpu_s=process_time() - cpu_before_s + fetched.children_cpu_s,
        peak_rss_bytes=peak_rss_bytes() + fetched.children_rss_bytes,
        engine=fetched.engine,
        connections=tuple(fetched.connections),
        silences={name: fetched.silences[name] for name in fitting(fetched.silences)},
        heard=tuple(fetched.heard),
    )


def _most_open(shard: Shard) -> int:
    """Return the most downloads in flight that an execution has room for."""
    memory_mb = int(os.environ.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "0"))
    if not memory_mb:
        return MAX_CONNECTIONS
    sink_mb = OBJECTS_MB if shard.sink.kind == "s3-objects" else 0.0
    in_memory = connections_in(memory_mb - sink_mb, shard.options.engine)
    return max(1, min(MAX_CONNECTIONS, in_memory))


def _processes(shard: Shard) -> int:
    """
    Return how many processes share a shard: one for each vCPU that the memory brings.

    Sinks in S3 stay with one: its threads, its parts of a tar and its memory are made
    for all that an execution has.
    """
    memory_mb = int(os.environ.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "0"))
    if shard.sink.is_in_s3:
        return 1
    vcpus = min(round(memory_mb / _MB_PER_VCPU), cores())
    return max(1, min(vcpus, len(shard.source) // _FEWEST_URLS))


def _correct(
    downloads: Downloads, ranges: Ranges, corrections: Mapping[int, Download]
) -> None:
    """Replace what is known better now that the sink has settled."""
    if not corrections:
        return
    for index, number in enumerate(numbers_in(ranges)):
        if correction := corrections.get(number):
            downloads.details.pop(index, None)
            downloads[index] = downloads[index]._replace(
                outcome=correction.outcome,
                status=correction.status or downloads[index].status,
                body_bytes=correction.body_bytes or downloads[index].body_bytes,
                detail=correction.detail,
            )


def _sink(shard: Shard, deadline_at: float) -> Sink:
    kind, path = shard.sink.kind, shard.sink.path
    if kind == "discard":
        return Discard()
    if shard.sink.is_in_s3:
        return _sink_in_s3(shard, deadline_at)
    return Directory(Path(path)) if path else Scratch()


def _sink_in_s3(shard: Shard, deadline_at: float) -> Sink:
    from fetcher.s3.credentials import S3Credentials  # noqa: PLC0415 - loads OpenSSL

    credentials, prefix = S3Credentials.from_environment(), prefix_of(shard.sink.path)
    if shard.sink.kind == "s3-objects":
        from fetcher.sinks.s3_objects import S3Objects  # noqa: PLC0415

        return S3Objects(prefix, credentials, deadline_at)
    from fetcher.sinks.tars.s3_tar import S3Tar, tar_of  # noqa: PLC0415

    tar = tar_of(prefix, shard.run, shard.wave, shard.index)
    return S3Tar(tar, credentials, deadline_at)
