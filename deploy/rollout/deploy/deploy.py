"""The function on Lambda, with role, log group and URL: made, changed, removed."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError, WaiterError

from rollout.bundle import build
from rollout.deploy import (
    function_url,
    lambda_function,
    leftover_tars,
    log_group,
    network,
    role,
)
from rollout.deploy.changes import OURS, Changes
from rollout.deploy.function_spec import FunctionSpec
from rollout.errors import DeployError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fetcher.s3.urls import Place
    from rollout.target.target import Target

__all__ = ["ABSENT", "Deployed", "FunctionSpec", "deploy", "destroy", "left", "status"]

ABSENT = "Absent"  # beside Lambda's own states


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployed:
    """
    What there is of a function. What is absent is empty.

    Attributes:
        name: The function's.

        state: Lambda's word for it, as in ``Active``, or `ABSENT`.

        arn, runtime, architecture, memory_mb, timeout_s, tmp_mb:
            The function's, as Lambda has them.

        code_sha256, code_bytes: The zip's.

        role, log_group: Their names.

        url: Where it is called by HTTP.

        changes: What this deployment did; empty when everything was as wanted.
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
    target: Target, worker: FunctionSpec, *, code: bytes | None = None
) -> Deployed:
    """
    Make the function as wanted: create it, or change only what differs.

    Args:
        target: Where.

        worker: What is wanted.

        code: The zip; ours, built for the target, if none is given.

    Returns:
        The function, ready to be called, with what had to be done.

    Raises:
        DeployError: If it cannot be made. What a first deployment had created by
            then is removed again.
    """
    machine = target.machine_for(worker.architecture)
    if code is None:
        code = build.build(*machine, installed=target.runs_here)
    name, days = worker.name, worker.log_retention_days
    tags = OURS | dict(worker.tags)
    with _explained("deployed", name), Changes() as done:
        log_group.ensure(target, name, days, tags, done)
        arn = role.ensure(target, name, tags, done, worker.policies(target))
        wanted = worker.configuration(target, arn)
        lambda_function.ensure(
            target, name, wanted, machine.architecture, code, tags, done
        )
        function_url.ensure(target, name, worker.url, done)
    return replace(status(target, name), changes=tuple(done.said))


def status(target: Target, name: str) -> Deployed:
    """Return what there is of a function, its role and its log group."""
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
        runtime=configuration["Runtime"],
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

    And abort the uploads into its bucket that executions began and did not finish:
    nobody sees them, and they are paid for. What is kept there stays. If they cannot be
    aborted, the rest goes all the same.

    Returns:
        What was removed; nothing if nothing was left. `left` tells what still is there.

    Raises:
        DeployError: If it is not ours, or something cannot be removed; says what was.
    """
    removed: list[str] = []
    failed = []
    try:
        with _explained("removed", name):
            bucket = role.bucket_of(target, name)
            if lambda_function.remove(target, name):
                removed.append(f"function {name}")
            # Before the role goes, which says where they are.
            if bucket and (failure := _abort_uploads(target, bucket, removed)):
                failed.append(failure)
            if log_group.remove(target, name):
                removed.append(f"log group {log_group.group_name(name)}")
            if not _is_needed_to_leave(target, name) and role.remove(target, name):
                removed.append(f"role {role.role_name(target, name)}")
    except DeployError as error:
        failed.append(str(error))
    if failed:
        msg = f"Removed: {', '.join(removed) or 'nothing'}. {' '.join(failed)}"
        raise DeployError(msg)
    return removed


def left(target: Target, name: str) -> list[str]:
    """Return what there is of a function, in a person's words: after `destroy`, why."""
    found = status(target, name)
    lines = [f"function {name}"] if found.state != ABSENT else []
    lines += [f"log group {found.log_group}"] if found.log_group else []
    if found.role and _is_needed_to_leave(target, name):
        lines.append(
            f"role {found.role}: Lambda needs it to remove its interfaces from your "
            "network, which takes some 20 minutes and costs nothing. Destroy again then"
        )
    elif found.role:
        lines.append(f"role {found.role}")
    return lines


def _abort_uploads(target: Target, bucket: Place, removed: list[str]) -> str:
    """Return what is to be said if that fails; nothing if it does not."""
    try:
        removed += leftover_tars.abort_uploads(target, bucket)
    except DeployError as error:
        return (
            f"{error}. What is to be aborted is told by: aws s3api "
            f"list-multipart-uploads --bucket {bucket.bucket}"
        )
    return ""


def _is_needed_to_leave(target: Target, name: str) -> bool:
    return role.has_joined_vpc(target, name) and network.has_interfaces(target, name)


@contextmanager
def _explained(verb: str, name: str) -> Iterator[None]:
    """Turn what AWS says into a sentence about the function."""
    try:
        yield
    except (ClientError, BotoCoreError) as error:
        said = [f"The function {name} could not be {verb}. AWS says: {_words(error)}"]
        raise DeployError(" ".join(said + _notes(error))) from error
    except DeployError as error:
        if notes := _notes(error):
            raise DeployError(" ".join([str(error), *notes])) from error
        raise


def _notes(error: Exception) -> list[str]:
    notes: list[str] = getattr(error, "__notes__", [])
    return notes


def _words(error: Exception) -> str:
    """Return what AWS said, without what botocore says around it."""
    if isinstance(error, WaiterError):
        found = error.last_response.get("Configuration", {})
        reason = found.get("StateReason") or found.get("LastUpdateStatusReason")
        return str(reason or error)
    if isinstance(error, ClientError):
        said = error.response["Error"]
        return f"{error.operation_name}: {said['Code']}: {said['Message']}"
    return str(error)
