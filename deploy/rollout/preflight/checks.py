"""Would it work there? Every reason why not, before anything is done or spent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from aws_facts.limits import MBIT_BYTES, limit, line_bytes_per_s, problem
from fetcher.contract.options import MAX_CONNECTIONS
from rollout.deploy import deploy
from rollout.errors import DeployError, PreflightError
from rollout.invoke.descriptors import allow, needed_for
from rollout.preflight import bucket

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rollout.preflight.demand import Demand
    from rollout.target.target import Target

# Whether a MB of /tmp is a million bytes or 2**20 AWS does not say: the fewer are safe.
_MB = 10**6
# Open files and sockets of a local endpoint, some 20, and of an execution, beside those
# for what they have to do.
_ENDPOINT, _EXECUTION = 64, 64
# Peak resident memory of 480 bodies of 1.7 MB on their way, discarded: 27 MB and 0.07
# a connection with curl, 38 MB and 0.56 with aiohttp at 100 connections; Lambda's
# runtime and TLS come on top.
_BASE_MB = 60.0
_MB_PER_CONNECTION = {"curl": 0.2, "aiohttp": 0.7}


def check(target: Target, need: Demand) -> list[str]:
    """
    Refuse what cannot work.

    Permissions are tried, by the calls that look at what is there: simulating them
    would take further permissions, and knows nothing of an organisation's rules.
    Making things is tried by `rollout.deploy.deploy.deploy`, which leaves nothing if it
    fails.

    Returns:
        What will work, and not as well as it might.

    Raises:
        PreflightError: With every problem that was found.
    """
    found = [
        *_concurrency(target, need),
        *_permissions(target, need),
        *_connections(need),
        *_descriptors(target, need),
        problem("memory_mb", need.memory_mb, "MB"),
        *_memory(need),
        problem("tmp_mb", need.tmp_mb, "MB"),
        *_scratch(need),
        problem("timeout_s", need.timeout_s, "s"),
        *_deadline(need),
        *_duration(need),
        *_payloads(need),
        *_buckets(target, need),
    ]
    problems = [sentence for sentence in found if sentence]
    if problems:
        raise PreflightError(problems)
    return list(_remarks(need))


def check_may_invoke(target: Target, function: str) -> None:
    """
    Try whether the function may be called, without calling it.

    Raises:
        PreflightError: If not.
    """
    try:
        target.client("lambda").invoke(FunctionName=function, InvocationType="DryRun")
    except (BotoCoreError, ClientError) as error:
        sentence = f"The function {function} cannot be called. AWS says: {error}."
        raise PreflightError([sentence]) from error


def _concurrency(target: Target, need: Demand) -> Iterator[str]:
    if need.concurrency < 1:
        yield f"{need.concurrency} executions are wanted; there must be at least 1."
        return
    try:
        settings = target.client("lambda").get_account_settings()
        reserved = _reserved(target, need.function)
    except (BotoCoreError, ClientError) as error:
        yield (
            "How many executions may run cannot be read. Allow "
            "lambda:GetAccountSettings and lambda:GetFunctionConcurrency. AWS says: "
            f"{error}"
        )
        return
    free = settings["AccountLimit"]["UnreservedConcurrentExecutions"]
    if reserved is not None and need.concurrency > reserved:
        yield (
            f"{need.concurrency:,} executions at once are wanted; {reserved:,} are "
            f"reserved for {need.function}, and it gets no more. Set `concurrency` to "
            f"{reserved:,} or less, or reserve others: aws lambda "
            "put-function-concurrency."
        )
    elif reserved is None and need.concurrency > free:
        yield (
            f"{need.concurrency:,} executions at once are wanted; the account has "
            f"{free:,} in {target.region}. Set `concurrency` to {free:,} or less, or "
            "ask AWS for more: Service Quotas, Lambda, Concurrent executions."
        )


def _reserved(target: Target, function: str) -> int | None:
    client = target.client("lambda")
    if not function:
        return None
    try:
        found = client.get_function_concurrency(FunctionName=function)
    except client.exceptions.ResourceNotFoundException:
        return None
    reserved: int | None = found.get("ReservedConcurrentExecutions")
    return reserved


def _permissions(target: Target, need: Demand) -> Iterator[str]:
    if need.function:
        try:
            deploy.status(target, need.function)
        except DeployError as error:
            yield f"{error} deploy/permissions.json is a policy that allows it."


def _memory(need: Demand) -> Iterator[str]:
    per_connection = _MB_PER_CONNECTION.get(
        need.engine, max(_MB_PER_CONNECTION.values())
    )
    wanted = _BASE_MB + need.sink_mb + need.connections * per_connection
    if wanted > need.memory_mb:
        room = int((need.memory_mb - _BASE_MB - need.sink_mb) / per_connection)
        fewer = f", or `connections` to {room:,}" if room >= 1 else ""
        yield (
            f"{need.connections:,} connections with {need.engine} take some "
            f"{wanted:,.0f} MB of memory; the function has {need.memory_mb:,}. Set "
            f"`memory_mb` to {-(-int(wanted) // 64) * 64:,}{fewer}."
        )


def _connections(need: Demand) -> Iterator[str]:
    if not 1 <= need.connections <= MAX_CONNECTIONS:
        yield (
            f"{need.connections:,} connections an execution are wanted; its "
            f"{limit('descriptors').most:,} descriptors are enough for 1 to "
            f"{MAX_CONNECTIONS:,}. Set `connections` within these."
        )


def _descriptors(target: Target, need: Demand) -> Iterator[str]:
    """Count open files and sockets on this machine, process by process."""
    settings = "concurrency", need.concurrency
    wants = [("calls at once", *settings, needed_for(0), 1)]
    if target.runs_here:
        # Of each execution it has a caller and a runtime at the other end.
        wants.append(("executions of a local endpoint", *settings, _ENDPOINT, 2))
        connections = "connections", need.connections
        wants.append(("connections of an execution", *connections, _EXECUTION, 2))
    for what, name, many, base, each in wants:
        wanted = base + many * each
        if (allowed := allow(wanted)) < wanted:
            room = (allowed - base) // each
            fewer = f", or set `{name}` to {room:,} or less" if room >= 1 else ""
            yield (
                f"{many:,} {what} need {wanted:,} open files and sockets; this "
                f"machine allows a process {allowed:,}. Raise its limit (`ulimit -Hn`)"
                f"{fewer}."
            )


def _scratch(need: Demand) -> Iterator[str]:
    if need.scratch_bytes > need.tmp_mb * _MB:
        wanted = -(-need.scratch_bytes // _MB)
        remedy = (
            f"Set `tmp_mb` to {wanted:,}"
            if wanted <= limit("tmp_mb").most
            else "No `tmp_mb` is enough: deal smaller shards"
        )
        yield (
            f"An execution keeps {need.scratch_bytes:,} bytes in its temporary "
            f"storage, which has {need.tmp_mb:,} MB. {remedy}, or use a sink that "
            "keeps nothing there, or download fewer files."
        )


def _deadline(need: Demand) -> Iterator[str]:
    if not 0 < need.deadline_s < need.timeout_s:
        yield (
            f"The worker's deadline is {need.deadline_s:g} s and Lambda's timeout "
            f"{need.timeout_s:g} s: a report that is not out by then is lost. Set "
            "`deadline_s` below `timeout_s`."
        )


def _duration(need: Demand) -> Iterator[str]:
    line = line_bytes_per_s(need.memory_mb)
    least_s = need.shard_bytes / line
    if 0 < need.deadline_s * need.waves < least_s:
        yield (
            f"A shard of {need.shard_bytes:,} bytes takes {least_s:,.0f} s at the "
            f"{line / MBIT_BYTES:,.0f} Mbit/s that Lambda gives an execution, and "
            f"{need.waves:,} waves of {need.deadline_s:g} s end before. Deal smaller "
            "shards, or raise `timeout_s`."
        )


def _payloads(need: Demand) -> Iterator[str]:
    for what, size, name in (
        ("event", need.request_bytes, "request_bytes"),
        ("report", need.report_bytes, "report_bytes"),
    ):
        most = limit(name).most
        if size > most:
            yield (
                f"The largest {what} has {size:,} bytes; Lambda takes {most:,}. Deal "
                "smaller shards."
            )


def _buckets(target: Target, need: Demand) -> Iterator[str]:
    places = need.sources + ((need.bucket,) if need.bucket else ())
    for place in {place.bucket: place for place in places}.values():
        yield from bucket.problems(target, place)


def _remarks(need: Demand) -> Iterator[str]:
    most = limit("s3_reads_per_s").most
    buckets = len({place.bucket for place in need.sources}) or 1
    if need.reads_per_s > most * need.read_prefixes:
        yield (
            f"Up to {need.reads_per_s:,.0f} objects a second would be read from S3, "
            f"which gives {most:,} a prefix, and these begin in {need.read_prefixes:,} "
            "ways. Spread them over more prefixes, or buckets: {number%16} in a "
            "template is a remainder."
        )
    elif need.reads_per_s > most * buckets:
        yield (
            f"Up to {need.reads_per_s:,.0f} objects a second would be read from S3, "
            f"which gives {most:,} a bucket until it has learned to tell the "
            f"{need.read_prefixes:,} beginnings of keys apart. Executions wait when "
            "told to slow down; more buckets need no learning."
        )
    most = limit("s3_writes_per_s").most
    if need.writes_per_s > most * need.prefixes:
        yield (
            f"Up to {need.writes_per_s:,.0f} objects a second would be written to S3, "
            f"which takes {most:,} a prefix, and keys begin in {need.prefixes:,} "
            "ways. Executions wait when told to slow down; the sink s3-tar writes few."
        )
    elif need.writes_per_s > most:
        yield (
            f"Up to {need.writes_per_s:,.0f} objects a second would be written to S3, "
            f"which takes {most:,} until it has learned to tell the {need.prefixes:,} "
            "beginnings of keys apart. Executions wait when told to slow down; the "
            "sink s3-tar writes few."
        )
