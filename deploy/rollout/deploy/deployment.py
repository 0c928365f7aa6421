"""Deployments: a function with its role, log group and URL, made or removed."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError, WaiterError
from botocore.parsers import ResponseParserError

from fetcher.service.download_endpoint import FILES
from rollout.bundle import build
from rollout.deploy import function_url, lambda_function, leftover_tars, log_group, role
from rollout.deploy.function_spec import FunctionSpec
from rollout.deploy.ownership_tag import OURS
from rollout.deploy.rollback import Changes
from rollout.errors import DeployError
from rollout.target.aws_errors import message_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fetcher.s3.urls import Place
    from rollout.target.connection import Target

__all__ = ["ABSENT", "Deployed", "FunctionSpec", "deploy", "destroy", "left", "status"]

ABSENT = "Absent"  # beside Lambda's own states


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployed:
    """
    A function as deployed. Fields of absent parts are empty.

    Attributes:
        state: Lambda's word for it, as in ``Active``, or `ABSENT`.

        arn, runtime, architecture, memory_mb, timeout_s, tmp_mb:
            The function's, as Lambda has them.

        code_sha256, code_bytes: The zip's.

        changes: Changes this deployment made, in words; empty: none were needed.
    """

    name: str
    state: str = ABSENT
    arn: str = ""
    runtime: str = ""
    architecture: str = ""
    memory_mb: int = 0
    timeout_s: int = 0
    tmp_mb: int = 0
    code_sha256: str = ""
    code_bytes: int = 0
    role: str = ""
    log_group: str = ""
    url: str = ""
    changes: tuple[str, ...] = ()


def deploy(
    target: Target, spec: FunctionSpec, *, code: bytes | None = None
) -> Deployed:
    """
    Create a function, or change only what differs; the zip is ours unless it is given.

    Returns:
        The function, ready to be called, with the changes made.

    Raises:
        DeployError: If it cannot be deployed. A first deployment that fails removes
            what it created, except for a role that Lambda needs to leave your network,
            and its log group.

        DeployStopped: If it is interrupted; what it created is removed likewise.
    """
    machine, name = target.machine_for(spec.architecture), spec.name
    days, tags = spec.log_retention_days, OURS | dict(spec.tags)
    with _explained("deployed", name), Changes() as changes:
        if code is None:
            code = build.build(*machine, installed=target.runs_here)
        log_group.ensure(target, name, days, tags, changes)
        arn = role.ensure(target, name, tags, spec.policies(target), changes)
        configuration = spec.configuration(target, arn)
        lambda_function.ensure(
            target, name, configuration, machine.architecture, code, tags, changes
        )
        function_url.ensure(target, name, spec.url, changes)
        return replace(status(target, name), changes=tuple(changes.descriptions))


def status(target: Target, name: str) -> Deployed:
    """Return a function, its role and its log group, as far as they exist."""
    with _explained("looked at", name):
        own_function = lambda_function.find(target, name)
        url = function_url.find(target, name) if own_function else None
        group = log_group.find(target, name)
        own_role = role.find(target, name)
    found = Deployed(
        name=name,
        role=own_role["RoleName"] if own_role else "",
        log_group=group["logGroupName"] if group else "",
    )
    if own_function is None:
        return found
    configuration = own_function["Configuration"]
    return replace(
        found,
        state=configuration["State"],
        arn=configuration["FunctionArn"],
        runtime=configuration.get("Runtime", ""),  # a container image has none
        architecture=configuration["Architectures"][0],
        memory_mb=configuration["MemorySize"],
        timeout_s=configuration["Timeout"],
        tmp_mb=configuration["EphemeralStorage"]["Size"],
        code_sha256=configuration["CodeSha256"],
        code_bytes=configuration["CodeSize"],
        url=url["FunctionUrl"] if url else "",
    )


def destroy(target: Target, name: str) -> list[str]:
    """
    Remove a function, its role and its log group, as far as they exist.

    Also abort unfinished uploads into its bucket, which are invisible and billed.
    Objects there stay. If uploads cannot be aborted, the rest is removed all the same.

    Returns:
        Descriptions of what was removed. `left` describes what remains.

    Raises:
        DeployError: If it is not ours, or something cannot be removed; names what was.
    """
    removed: list[str] = []
    failures = []
    try:
        with _explained("removed", name):
            bucket = _own_tars(target, name)
            if lambda_function.remove(target, name):
                removed.append(f"function {name}")
            # While there is a role, which knows the bucket.
            if bucket and (failure := _abort_uploads(target, bucket, removed)):
                failures.append(failure)
            # The log group goes last: by its name the doctor finds a role that stays.
            if not role.is_needed_to_leave(target, name):
                if role.remove(target, name):
                    removed.append(f"role {role.role_name(target, name)}")
                if log_group.remove(target, name):
                    removed.append(f"log group {log_group.group_name(name)}")
    except DeployError as error:
        failures.append(str(error))
    if failures:
        msg = f"Removed: {', '.join(removed) or 'nothing'}. {' '.join(failures)}"
        raise DeployError(msg)
    return removed


def left(target: Target, name: str) -> list[str]:
    """Describe what remains of a function, after `destroy` with the reason."""
    found = status(target, name)
    lines = [f"function {name}"] if found.state != ABSENT else []
    lines += [f"log group {found.log_group}"] if found.log_group else []
    if found.role and role.is_needed_to_leave(target, name):
        lines.append(f"role {found.role}: {role.NEEDED}")
    elif found.role:
        lines.append(f"role {found.role}")
    return lines


def _own_tars(target: Target, name: str) -> Place | None:
    """Return the place in S3 below which a function's tars are, if it has a bucket."""
    bucket = role.bucket_of(target, name)
    if bucket and not bucket.key and role.shares_jobs(target, name):
        return bucket.below(FILES)
    return bucket


def _abort_uploads(target: Target, bucket: Place, removed: list[str]) -> str:
    """Abort unfinished uploads; return the message if that fails, else nothing."""
    try:
        removed += leftover_tars.abort_uploads(target, bucket)
    except DeployError as error:
        return (
            f"{error}. List the uploads to abort: aws s3api "
            f"list-multipart-uploads --bucket {bucket.bucket}"
        )
    return ""


@contextmanager
def _explained(verb: str, name: str) -> Iterator[None]:
    """Turn AWS's errors into sentences about the function."""
    try:
        yield
    except (ClientError, BotoCoreError, ResponseParserError, DeployError) as error:
        notes = getattr(error, "__notes__", ())
        if isinstance(error, DeployError):
            if not notes:
                raise
            msg = str(error)
        else:
            said = _message(error)
            msg = f"The function {name} could not be {verb}. AWS says: {said}"
        raise DeployError(" ".join((msg, *notes))) from error


def _message(error: Exception) -> str:
    """Return AWS's own message, without botocore's words around it."""
    if isinstance(error, WaiterError):
        found = error.last_response.get("Configuration", {})
        reason = found.get("StateReason") or found.get("LastUpdateStatusReason")
        return str(reason or error)
    said = message_of(error)
    if cap := lambda_function.memory_cap_in(said):
        said += (
            f". AWS gives this account at most {cap:,} MB, as other new ones. "
            f"Set `memory_mb` to {cap} or less, or ask AWS Support for more."
        )
    return said
