"""The account's limits: executions, memory and bandwidth."""

from __future__ import annotations

from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from aws_facts.limits import limit
from rollout.deploy import lambda_function, role
from rollout.deploy.ownership_tag import OURS
from rollout.doctor.finding import COULD_NOT_LOOK, NOT_OK, OK, Finding, unseen
from rollout.preflight import account_limits
from rollout.target.aws_errors import is_denial, message_of

if TYPE_CHECKING:
    from rollout.target.connection import Target

_REFUSED_AS_MEANT = "Could not unzip uploaded file"


def executions(target: Target) -> Finding:
    """Return how many executions the account may have at once."""
    subject, wanted = "concurrency", limit("concurrency").most
    try:
        most = account_limits.concurrency_limit(target, "ConcurrentExecutions")
    except (BotoCoreError, ClientError) as error:
        return unseen(subject, error)
    if most < wanted:
        return Finding(
            subject,
            NOT_OK,
            f"{most:,} executions at once, as in a new account. Small runs need 2, the "
            f"million {wanted:,}",
            account_limits.ask_for_concurrency(target, wanted),
        )
    return Finding(subject, OK, f"{most:,} executions at once")


def memory(target: Target, function: str) -> Finding:
    """
    Return whether functions may have all the memory that Lambda offers.

    No API tells, so one is asked for that cannot be made: its zip is none.
    """
    subject, wanted = "memory", limit("memory_mb").most
    if not target.asks_iam:
        return Finding(subject, OK, f"up to {wanted:,} MB a function")
    try:
        _ask_for_the_impossible(target, f"{function}-doctor", wanted)
        said = "AWS took a text for a zip; the function was removed again"
    except (BotoCoreError, ClientError) as error:
        said = f"AWS says: {message_of(error).rstrip('.')}"
        if cap := lambda_function.memory_cap_in(said):
            return Finding(
                subject,
                NOT_OK,
                f"at most {cap:,} MB a function, as in a new account. Defaults "
                "need 1,769",
                f"give functions {cap} MB or less, or ask AWS Support for "
                "more. AWS also raises it with use",
            )
        if is_denial(error):
            return unseen(subject, error)
        if _REFUSED_AS_MEANT in said:
            said = "AWS refused its code, as it should, and named no cap"
    return Finding(
        subject,
        COULD_NOT_LOOK,
        f"no API tells. Asked for a function of {wanted:,} MB that cannot be made: "
        f"{said}. New accounts may have a cap of {limit('new_memory_mb').most:,} MB, "
        "which a deployment would then name",
    )


def bandwidth(target: Target) -> Finding:
    """Return the network bandwidth that an execution may have."""
    subject, line = "bandwidth", limit("network_mbit_s")
    if not target.asks_iam:
        return Finding(subject, OK, "this machine's own")
    try:
        most = account_limits.bandwidth_mbit_s(target)
    except (BotoCoreError, ClientError) as error:
        return unseen(subject, error)
    plain = f"{line.least} Mbit/s an execution, after a first burst"
    if most is None:
        return Finding(
            subject,
            COULD_NOT_LOOK,
            f'{plain}, or up to {line.most:,} if AWS has raised it: "'
            f'{account_limits.BANDWIDTH_QUOTA}" is not among the quotas listed',
        )
    if most > line.least:
        return Finding(
            subject, OK, f"raised: up to {most:,.0f} Mbit/s an execution, outside a VPC"
        )
    return Finding(
        subject,
        OK,
        f"{plain}. From 2,048 MB on AWS raises it on request, up to {line.most:,}: "
        f'"{account_limits.BANDWIDTH_QUOTA}" in Service Quotas',
    )


def _ask_for_the_impossible(target: Target, name: str, memory_mb: int) -> None:
    target.client("lambda").create_function(
        FunctionName=name,
        Runtime="python3.13",
        Handler="none.none",
        Role=f"arn:{target.partition}:iam::{target.account}:role{role.PATH}none",
        MemorySize=memory_mb,
        Code={"ZipFile": b"no zip"},
        Tags=OURS,
    )
    lambda_function.remove(target, name)
