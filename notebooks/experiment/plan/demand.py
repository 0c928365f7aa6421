"""The demand of a plan on its target, for preflight to check."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_facts.limits import line_bytes_per_s
from experiment.fleet.question import OBJECT_PREFIXES
from experiment.plan.url_facts import file_bytes, is_from_s3
from fetcher.contract.download_results import max_report_bytes
from fetcher.contract.options import MAX_CONNECTIONS
from fetcher.contract.shard_messages import MOST_HOSTS_BYTES
from fetcher.contract.template_source import Template
from rollout.preflight.demand import Demand, Execution, Invocation, S3Load
from rollout.s3_origin.buckets_and_prefixes import prefixes_of

if TYPE_CHECKING:
    from experiment.plan.run_plan import Plan
    from fetcher.contract.shard_messages import Shard

# As in `fetcher.sinks`: the most memory or disk that bodies on their way to S3 take.
_MB_OF_OBJECTS = 32.0
_BYTES_OF_TAR_PARTS = 7 * 16 * 2**20


def demand_of(plan: Plan) -> Demand:
    """Return the demand of a plan."""
    settings = plan.settings
    first = next(plan.wave(0, plan.everything))  # none is much larger
    each, guess = file_bytes(plan.urls, plan.settings)
    is_object_each = settings.sink == "s3-objects"
    return Demand(
        function=plan.worker(),
        concurrency=min(settings.concurrency, plan.files),
        execution=Execution(
            connections=settings.connections,
            engine=settings.engine,
            sink_mb=_MB_OF_OBJECTS if is_object_each else 0.0,
            scratch_bytes=_scratch_bytes(plan, first),
        ),
        invocation=Invocation(
            request_bytes=len(first.to_json()) + MOST_HOSTS_BYTES,
            report_bytes=max_report_bytes(len(first.source)) + MOST_HOSTS_BYTES,
            download_bytes=0 if guess else len(first.source) * each,
            deadline_s=first.deadline_s,
        ),
        waves=settings.waves,
        reads=S3Load(
            per_s=_files_per_s(plan) if is_from_s3(plan.urls, plan.settings) else 0.0,
            prefixes=_read_prefixes(plan),
        ),
        writes=S3Load(
            per_s=_files_per_s(plan) if is_object_each else 0.0,
            prefixes=OBJECT_PREFIXES if is_object_each else 1,
        ),
    )


def _read_prefixes(plan: Plan) -> int:
    """Return the number of key prefixes that reads are spread over."""
    if isinstance(plan.urls, Template):
        return prefixes_of(plan.urls)
    return max(1, len(plan.settings.sources))


def _scratch_bytes(plan: Plan, first: Shard) -> int:
    """Return the most that an execution keeps in /tmp; 0: sizes are unknown."""
    settings, files = plan.settings, len(first.source)
    each, guess = file_bytes(plan.urls, plan.settings)
    if guess or settings.sink == "discard":
        return 0
    if settings.sink == "directory":  # an EFS has room
        return 0 if settings.sink_path else files * each
    on_their_way = min(files, settings.connections or MAX_CONNECTIONS) * each
    return on_their_way + (_BYTES_OF_TAR_PARTS if settings.sink == "s3-tar" else 0)


def _files_per_s(plan: Plan) -> float:
    """Return the files per second of all executions at full bandwidth."""
    settings, (each, _) = plan.settings, file_bytes(plan.urls, plan.settings)
    return settings.concurrency * line_bytes_per_s(settings.memory_mb) / max(each, 1)
