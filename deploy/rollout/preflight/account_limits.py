"""The account's own limits and permissions, and what to do about them."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from botocore.exceptions import BotoCoreError, ClientError

from aws_facts.fleet_constants import constant
from aws_facts.limits import MBIT_BYTES, limit, line_bytes_per_s
from rollout.deploy import deployment
from rollout.deploy.expected_errors import unless_absent
from rollout.errors import DeployError
from rollout.target.aws_errors import is_denial, message_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rollout.preflight.demand import Demand
    from rollout.target.connection import Target

# https://docs.aws.amazon.com/general/latest/gr/lambda-service.html
_CONCURRENCY_QUOTA = "L-B99A9384"
# AWS's What's New of 5 August 2026 names it; its code is not published.
BANDWIDTH_QUOTA = "Network bandwidth per execution environment"
_POLICY = "The policy deploy/permissions.json allows it."
_LATER = "Try again in a minute."


def concurrency(target: Target, demand: Demand) -> Iterator[str]:
    """Yield why so many executions cannot run at once."""
    wanted, name = demand.concurrency, demand.function.name
    if wanted < 1:
        yield f"`concurrency` is {wanted}; it must be at least 1."
        return
    try:
        free = concurrency_limit(target, "UnreservedConcurrentExecutions")
        reserved = _reserved(target, name)
    except (BotoCoreError, ClientError) as error:
        yield f"The account's concurrency cannot be read. {_said_by_aws(error)}"
        return
    if reserved is not None and wanted > reserved:
        yield (
            f"`concurrency` is {wanted:,}; {reserved:,} executions are reserved for "
            f"{name}, and it gets no more. Set `concurrency` to {reserved:,} or less, "
            "or change the reservation: aws lambda put-function-concurrency."
        )
    elif reserved is None and wanted > free:
        yield (
            f"`concurrency` is {wanted:,}; the account has {free:,} executions in "
            f"{target.region}. New accounts have 10. Set `concurrency` to {free:,} or "
            f"less, or ask AWS for more: {ask_for_concurrency(target, wanted)}"
        )


def permissions(target: Target, demand: Demand) -> Iterator[str]:
    """Yield why what exists cannot be looked at."""
    try:
        deployment.status(target, demand.function.name)
    except DeployError as error:
        yield f"{error} {_POLICY if is_denial(error.__cause__) else _LATER}"


class Bandwidth(NamedTuple):
    """
    Network bandwidth of an execution.

    Attributes:
        doubt: Why AWS may give less, and what to do about it; empty: it gives that.
    """

    bytes_per_s: float
    doubt: str = ""


def bandwidth(target: Target, demand: Demand) -> Bandwidth:
    """Return the bandwidth of the function; ask for the quota only where it matters."""
    memory_mb, least = demand.function.memory_mb, limit("network_mbit_s").least
    plain = line_bytes_per_s(memory_mb, least)
    most = line_bytes_per_s(memory_mb)
    if demand.function.vpc or plain == most or not least_s_beyond(demand, plain):
        return Bandwidth(plain)
    try:
        quota = bandwidth_mbit_s(target)
    except (BotoCoreError, ClientError) as error:
        return Bandwidth(most, _said_by_aws(error))
    if quota is None:
        return Bandwidth(most, "Service Quotas lists none of that name.")
    return Bandwidth(line_bytes_per_s(memory_mb, quota))


def duration(demand: Demand, line: Bandwidth) -> Iterator[str]:
    """Yield that a shard takes longer than all waves."""
    least_s = least_s_beyond(demand, line.bytes_per_s)
    if least_s:
        yield (
            f"A shard of {demand.invocation.download_bytes:,} bytes takes "
            f"{least_s:,.0f} s at the {line.bytes_per_s / MBIT_BYTES:,.0f} Mbit/s that "
            f"Lambda gives an execution, and {demand.waves:,} waves of "
            f"{demand.invocation.deadline_s:g} s end before. Make smaller shards, or "
            "raise `timeout_s`."
        )


def unsure(demand: Demand, line: Bandwidth) -> Iterator[str]:
    """Yield that a run takes a raised quota for granted."""
    if line.doubt:
        mbit_s, least = line.bytes_per_s / MBIT_BYTES, limit("network_mbit_s").least
        yield (
            f"A shard of {demand.invocation.download_bytes:,} bytes is done in time at "
            f"{mbit_s:,.0f} Mbit/s, but not at the {least} that "
            f'executions have until AWS raises the quota "{BANDWIDTH_QUOTA}". '
            f"Whether it did cannot be read. {line.doubt}"
        )


def least_s_beyond(demand: Demand, bytes_per_s: float) -> float:
    """Return how long a shard takes if that is too long; else 0."""
    at_once = constant("credit_bytes").high  # what a new execution fetches faster
    beyond = max(0.0, demand.invocation.download_bytes - at_once)
    least_s = beyond / bytes_per_s
    allowed_s = demand.invocation.deadline_s * demand.waves
    return least_s if 0 < allowed_s < least_s else 0.0


def small_memory(target: Target, demand: Demand) -> Iterator[str]:
    """Yield that an account with few executions may get little memory, too."""
    memory_mb, cap = demand.function.memory_mb, limit("new_memory_mb").most
    if memory_mb <= cap:
        return
    try:
        most = concurrency_limit(target, "ConcurrentExecutions")
    except (BotoCoreError, ClientError):
        return  # `concurrency` says so
    if most < limit("concurrency").most:
        yield (
            f"`memory_mb` is {memory_mb:,}, and the account looks new: it has {most:,} "
            f"executions. AWS gives most new accounts {cap:,} MB, and tells only when "
            f"a function is made. If it refuses this one, set `memory_mb` to {cap}."
        )


def concurrency_limit(target: Target, which: str) -> int:
    """
    Return a limit of the account's executions, by AWS's name for it.

    Raises:
        ClientError: If AWS refuses to tell.
    """
    settings = target.client("lambda").get_account_settings()
    most: int = settings["AccountLimit"][which]
    return most


def ask_for_concurrency(target: Target, wanted: int) -> str:
    """Return the command that asks AWS for so many executions."""
    return (
        "aws service-quotas request-service-quota-increase --service-code lambda "
        f"--quota-code {_CONCURRENCY_QUOTA} --desired-value {wanted} --region "
        f"{target.region}"
    )


def bandwidth_mbit_s(target: Target) -> float | None:
    """
    Return the account's quota for the bandwidth of an execution.

    A local endpoint has no quotas: it stands for an account that AWS has not raised.
    None: AWS lists no such quota, as it does while it has applied no value of the
    account's own, or if its name has changed.
    https://docs.aws.amazon.com/servicequotas/2019-06-24/apireference/API_ListServiceQuotas.html

    Raises:
        ClientError: If AWS refuses to tell.
    """
    least = limit("network_mbit_s").least
    if not target.asks_iam:
        return least
    pages = target.client("service-quotas").get_paginator("list_service_quotas")
    for page in pages.paginate(ServiceCode="lambda"):
        for quota in page["Quotas"]:
            if quota["QuotaName"] == BANDWIDTH_QUOTA:
                return max(least, float(quota["Value"]))
    return None


def _said_by_aws(error: Exception) -> str:
    next_step = _POLICY if is_denial(error) else _LATER
    return f"AWS says: {message_of(error)}. {next_step}"


def _reserved(target: Target, function: str) -> int | None:
    client = target.client("lambda")
    ask = partial(client.get_function_concurrency, FunctionName=function)
    found = unless_absent(ask, "ResourceNotFoundException") or {}
    reserved: int | None = found.get("ReservedConcurrentExecutions")
    return reserved
