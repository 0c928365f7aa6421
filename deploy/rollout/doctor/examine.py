"""All that the doctor looks at, in the order of a first day."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError
from botocore.session import get_session

from aws_facts.prices import HOME, price
from fetcher.s3.urls import SCHEME, Place
from rollout.deploy import deployment, log_group, role
from rollout.doctor import limits, permissions
from rollout.doctor.finding import (
    COULD_NOT_LOOK,
    FUNCTION_PREFIX,
    GRANT,
    NOT_OK,
    OK,
    Finding,
    grant,
    unseen,
)
from rollout.errors import DeployError, TargetError
from rollout.preflight import bucket
from rollout.target.aws_errors import is_denial, message_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from rollout.target.connection import Target

_AFTER_SIGN_IN = (
    *("region", "permissions", "concurrency", "memory"),
    *("bandwidth", "buckets", "left over"),
)
_GROUPS = log_group.group_name(FUNCTION_PREFIX)


def examine(
    connect: Callable[[], Target], function: str, buckets: Sequence[str]
) -> Iterator[Finding]:
    """Yield what a first deployment meets; make nothing and change nothing."""
    for one in _findings(connect, function, buckets):
        yield one._replace(remedy=grant(function)) if one.remedy == GRANT else one


def _findings(
    connect: Callable[[], Target], function: str, buckets: Sequence[str]
) -> Iterator[Finding]:
    try:
        target = connect()
        caller = str(target.client("sts").get_caller_identity()["Arn"])
    except (TargetError, BotoCoreError, ClientError) as error:
        yield Finding("sign-in", NOT_OK, message_of(error))
        for subject in _AFTER_SIGN_IN:
            yield Finding(subject, COULD_NOT_LOOK, "nobody is signed in")
        return
    where = target.endpoint_url if target.runs_here else f"account {target.account}"
    yield Finding("sign-in", OK, f"{where} as {caller}")
    yield _region(target)
    yield permissions.look(target, caller, function)
    yield limits.executions(target)
    yield limits.memory(target, function)
    yield limits.bandwidth(target)
    yield from _buckets(target, function, buckets)
    yield from _left_over(target, function)


def _region(target: Target) -> Finding:
    known = get_session().get_available_regions("lambda", target.partition)
    if target.region not in known:
        return Finding(
            "region",
            NOT_OK,
            f"{target.region} is no region that is known to have Lambda",
            f"--region {HOME}, or another",
        )
    own = not price("arm64_gb_s", target.region).assumed
    prices = "its own" if own else f"not known here: {HOME}'s are assumed"
    return Finding("region", OK, f"{target.region}; Lambda's prices are {prices}")


def _buckets(target: Target, function: str, names: Sequence[str]) -> Iterator[Finding]:
    """Yield what is wrong with each bucket that is named, or the function writes to."""
    wanted = {name.removeprefix(SCHEME).partition("/")[0] for name in names}
    try:
        own = role.bucket_of(target, function)
        wanted |= {own.bucket} if own else set()
        if not wanted:
            yield Finding("buckets", OK, "none needed; --bucket BUCKET looks at one")
    except (BotoCoreError, ClientError, DeployError) as error:
        yield unseen("buckets", error)
    for name in sorted(wanted):
        yield from _bucket(target, name)


def _bucket(target: Target, name: str) -> Iterator[Finding]:
    problems = list(bucket.problems(target, Place(name, "")))
    for problem in problems:
        said, _, remedy = problem.partition(". ")
        yield Finding("buckets", NOT_OK, said, remedy)
    if problems:
        return
    try:
        target.client("s3").head_bucket(Bucket=name)
    except (BotoCoreError, ClientError) as error:
        denied = "s3:ListBucket is denied; executions may have other permissions"
        said = denied if is_denial(error) else message_of(error)
        yield Finding("buckets", COULD_NOT_LOOK, f"{name}: {said}")
    else:
        yield Finding("buckets", OK, f"{name}, in {target.region}")


def _left_over(target: Target, function: str) -> Iterator[Finding]:
    """Yield each deployment, whole or not: log groups tell their names."""
    try:
        names = {function, *_names(target)}
        found = [deployment.status(target, name) for name in sorted(names)]
    except (BotoCoreError, ClientError, DeployError) as error:
        yield unseen("left over", error)
        return
    there = [
        one
        for one in found
        if one.state != deployment.ABSENT or one.log_group or one.role
    ]
    if not there:
        said = (
            f"nothing of an earlier deployment: no function, role or log group of "
            f"{function}, and no other log group that begins with {_GROUPS}"
        )
        yield Finding("left over", OK, said)
    for one in there:
        destroy = _destroy(target, one.name)
        if one.state != deployment.ABSENT:
            said = f"the function {one.name} is deployed; to remove it: {destroy}"
            yield Finding("left over", OK, said)
        else:
            parts = ", ".join(deployment.left(target, one.name))
            yield Finding("left over", NOT_OK, parts, destroy)


def _destroy(target: Target, name: str) -> str:
    """Return the command that removes a deployment just here."""
    given = {"target": target.name, "name": name, "endpoint-url": target.endpoint_url}
    if not target.runs_here:
        given |= {"profile": target.profile, "region": target.region}
    options = (f"--{key} {shlex.quote(one)}" for key, one in given.items() if one)
    return " ".join(("rollout destroy", *options))


def _names(target: Target) -> Iterator[str]:
    pages = target.client("logs").get_paginator("describe_log_groups")
    for page in pages.paginate(logGroupNamePrefix=_GROUPS):
        for group in page["logGroups"]:
            yield group["logGroupName"].removeprefix(log_group.group_name(""))
