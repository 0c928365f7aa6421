"""Preflight: every reason why a run would fail, before anything is made or paid for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from aws_facts.limits import limit
from fetcher.contract.options import MAX_CONNECTIONS
from fetcher.process.descriptors import raise_limit
from fetcher.process.memory_budget import BASE_MB, mb_per_connection
from rollout.errors import PreflightError
from rollout.invoke.connections import descriptors_for
from rollout.preflight import account_limits, bucket
from rollout.target.aws_errors import message_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rollout.preflight.demand import Demand
    from rollout.target.connection import Target

# AWS does not say whether a MB of /tmp is a million bytes or 2**20: take the smaller.
_MB = 10**6
# Open files and sockets that a local endpoint (some 20), and an execution, have beside
# those for their work.
_ENDPOINT, _EXECUTION = 64, 64


def check(target: Target, demand: Demand) -> list[str]:
    """
    Refuse a demand that the target cannot meet.

    Permissions are tried by the calls that look at what exists: simulating them would
    need further permissions, and ignores an organisation's rules. Permissions to create
    are tried by `rollout.deploy.deployment.deploy`, which leaves nothing if it fails.

    Returns:
        Warnings: what will work, but not as well as it could.

    Raises:
        PreflightError: With every problem found.
    """
    line = account_limits.bandwidth(target, demand)
    problems = [
        *account_limits.concurrency(target, demand),
        *account_limits.permissions(target, demand),
        *_connections(demand),
        *_descriptors(target, demand),
        *_memory(demand),
        *_scratch(demand),
        *_deadline(demand),
        *account_limits.duration(demand, line),
        *_payloads(demand),
        *_buckets(target, demand),
    ]
    if problems:
        raise PreflightError(problems)
    return [
        *account_limits.small_memory(target, demand),
        *account_limits.unsure(demand, line),
        *_slow_reads(demand),
        *_slow_writes(demand),
    ]


def check_may_invoke(target: Target, function: str) -> None:
    """
    Try whether the function may be invoked, without invoking it.

    Raises:
        PreflightError: If not.
    """
    try:
        target.client("lambda").invoke(FunctionName=function, InvocationType="DryRun")
    except (BotoCoreError, ClientError) as error:
        said = message_of(error).rstrip(".")
        msg = f"The function {function} cannot be invoked. AWS says: {said}."
        raise PreflightError([msg]) from error


def _memory(demand: Demand) -> Iterator[str]:
    execution, memory_mb = demand.execution, demand.function.memory_mb
    each = mb_per_connection(execution.engine)
    base = BASE_MB + execution.sink_mb
    needed = base + execution.connections * each
    if needed > memory_mb:
        room = int((memory_mb - base) / each)
        fewer = f", or `connections` to {room:,}" if room >= 1 else ""
        yield (
            f"{execution.connections:,} connections with {execution.engine} take some "
            f"{needed:,.0f} MB of memory; the function has {memory_mb:,}. Set "
            f"`memory_mb` to {-(-int(needed) // 64) * 64:,}{fewer}."
        )


def _connections(demand: Demand) -> Iterator[str]:
    connections = demand.execution.connections
    if not 0 <= connections <= MAX_CONNECTIONS:
        yield (
            f"`connections` is {connections:,}; the {limit('descriptors').most:,} "
            f"descriptors of an execution allow 1 to {MAX_CONNECTIONS:,}; 0 is for as "
            "many as are of use."
        )


def _descriptors(target: Target, demand: Demand) -> Iterator[str]:
    """Count open files and sockets on this machine, process by process."""
    executions, connections = demand.concurrency, demand.execution.connections
    needs = [("calls at once", "concurrency", executions, descriptors_for(0), 1)]
    if target.runs_here:
        # For each execution it has a caller at one end and a runtime at the other.
        what = "executions of a local endpoint"
        needs.append((what, "concurrency", executions, _ENDPOINT, 2))
        what = "connections of an execution"
        needs.append((what, "connections", connections or 1, _EXECUTION, 2))
    for what, name, count, base, each in needs:
        needed = base + count * each
        if (allowed := raise_limit(needed)) < needed:
            room = (allowed - base) // each
            fewer = f", or set `{name}` to {room:,} or less" if room >= 1 else ""
            yield (
                f"{count:,} {what} need {needed:,} open files and sockets; this "
                f"machine allows a process {allowed:,}. Raise its limit (`ulimit -Hn`)"
                f"{fewer}."
            )


def _scratch(demand: Demand) -> Iterator[str]:
    scratch_bytes, tmp_mb = demand.execution.scratch_bytes, demand.function.tmp_mb
    if scratch_bytes > tmp_mb * _MB:
        needed_mb = -(-scratch_bytes // _MB)
        remedy = (
            f"Set `tmp_mb` to {needed_mb:,}"
            if needed_mb <= limit("tmp_mb").most
            else "No `tmp_mb` is enough: make smaller shards"
        )
        yield (
            f"An execution keeps {scratch_bytes:,} bytes in its temporary storage, "
            f"which has {tmp_mb:,} MB. {remedy}, or use a sink that keeps nothing "
            "there, or download fewer files."
        )


def _deadline(demand: Demand) -> Iterator[str]:
    deadline_s, timeout_s = demand.invocation.deadline_s, demand.function.timeout_s
    if not 0 < deadline_s < timeout_s:
        yield (
            f"The worker's deadline is {deadline_s:g} s and Lambda's timeout "
            f"{timeout_s:g} s, after which the report is lost. Set `deadline_s` below "
            "`timeout_s`."
        )


def _payloads(demand: Demand) -> Iterator[str]:
    for what, size, name in (
        ("event", demand.invocation.request_bytes, "request_bytes"),
        ("report", demand.invocation.report_bytes, "report_bytes"),
    ):
        most = limit(name).most
        if size > most:
            yield (
                f"The largest {what} has {size:,} bytes; Lambda takes {most:,}. Make "
                "smaller shards."
            )


def _buckets(target: Target, demand: Demand) -> Iterator[str]:
    places = [*demand.function.source_places, demand.function.bucket_place]
    for place in {place.bucket: place for place in places if place}.values():
        yield from bucket.problems(target, place)


def _slow_reads(demand: Demand) -> Iterator[str]:
    most, reads = limit("s3_reads_per_s").most, demand.reads
    buckets = len({place.bucket for place in demand.function.source_places}) or 1
    rate = f"Executions could read up to {reads.per_s:,.0f} objects a second from S3"
    if reads.per_s > most * reads.prefixes:
        yield (
            f"{rate}, which serves {most:,} a prefix, and these keys have "
            f"{reads.prefixes:,}. Spread them over more prefixes, or buckets: "
            "{number%16} in a template is a remainder."
        )
    elif reads.per_s > most * buckets:
        yield (
            f"{rate}, which serves {most:,} a bucket until it has learned to tell the "
            f"{reads.prefixes:,} prefixes apart. Executions wait when S3 asks them to "
            "slow down; more buckets avoid that."
        )


def _slow_writes(demand: Demand) -> Iterator[str]:
    most, writes = limit("s3_writes_per_s").most, demand.writes
    rate = f"Executions could write up to {writes.per_s:,.0f} objects a second to S3"
    remedy = (
        "Executions wait when S3 asks them to slow down; the sink s3-tar writes few."
    )
    if writes.per_s > most * writes.prefixes:
        yield (
            f"{rate}, which takes {most:,} a prefix, and these keys have "
            f"{writes.prefixes:,}. {remedy}"
        )
    elif writes.per_s > most:
        yield (
            f"{rate}, which takes {most:,} until it has learned to tell the "
            f"{writes.prefixes:,} prefixes apart. {remedy}"
        )
