"""The function on Lambda, with its role and log group: made, changed, removed."""

from __future__ import annotations

import json
import re
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError, WaiterError

from rollout import bundle, function, log_group, role
from rollout.changes import OURS, Changes
from rollout.errors import DeployError, SettingError
from rollout.limits import problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from rollout.target import Target

ABSENT = "Absent"  # beside Lambda's own states

# Together with the region it makes the role's name, which has at most 64 characters.
_NAME = re.compile(r"[A-Za-z0-9_-]{1,40}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker:
    """
    The function that is wanted.

    Attributes:
        name: The function's; role and log group are named after it.

        memory_mb: Memory; 1,769 MB come with one whole processor.

        timeout_s: Lambda ends an invocation after so many seconds.

        tmp_mb: Size of ``/tmp``.

        handler: Module and function that take the event.

        log_retention_days: How long log lines are kept.

        environment: Variables the function finds set.

        tags: Put on everything, beside our own.
    """

    name: str = "million-downloads"
    memory_mb: int = 1_769
    timeout_s: int = 300
    tmp_mb: int = 512
    handler: str = "fetcher.handler.download"
    log_retention_days: int = 7
    environment: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse what Lambda would refuse, before anything is made."""
        if not _NAME.fullmatch(self.name):
            msg = (
                f"The function's name is {self.name!r}; it must have 1 to 40 letters, "
                "digits, hyphens and underscores."
            )
            raise SettingError(msg)
        size = len(json.dumps(dict(self.environment), separators=(",", ":")).encode())
        msg = (
            problem("memory_mb", self.memory_mb, "MB")
            or problem("timeout_s", self.timeout_s, "s")
            or problem("tmp_mb", self.tmp_mb, "MB")
            or problem("environment_bytes", size, "bytes of JSON")
        )
        if msg:
            raise SettingError(msg)


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
    changes: tuple[str, ...] = ()


def deploy(target: Target, worker: Worker, *, code: bytes | None = None) -> Deployed:
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
    if code is None:
        code = bundle.build(target.runtime, target.architecture, target.system)
    tags = OURS | dict(worker.tags)
    days = worker.log_retention_days
    with _explained("deployed", worker.name), Changes() as done:
        log_group.ensure(target, worker.name, days, tags, done)
        arn = role.ensure(target, worker.name, tags, done)
        wanted = _configuration(target, worker, arn)
        function.ensure(target, worker.name, wanted, code, tags, done)
    return replace(status(target, worker.name), changes=tuple(done.said))


def status(target: Target, name: str) -> Deployed:
    """Return what there is of a function, its role and its log group."""
    with _explained("looked at", name):
        own_function = function.find(target, name)
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
    )


def destroy(target: Target, name: str) -> list[str]:
    """
    Remove a function, its role and its log group, as far as they exist.

    Returns:
        What was removed; nothing if nothing was left.

    Raises:
        DeployError: If it is not ours, or something cannot be removed.
    """
    removed = []
    with _explained("removed", name):
        if function.remove(target, name):
            removed.append(f"function {name}")
        if log_group.remove(target, name):
            removed.append(f"log group {log_group.group_name(name)}")
        if role.remove(target, name):
            removed.append(f"role {role.role_name(target, name)}")
    return removed


@contextmanager
def _explained(verb: str, name: str) -> Iterator[None]:
    """Turn what AWS says into a sentence about the function."""
    try:
        yield
    except (ClientError, BotoCoreError) as error:
        msg = f"The function {name} could not be {verb}. AWS says: {_words(error)}"
        raise DeployError(msg) from error


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


def _configuration(target: Target, worker: Worker, role_arn: str) -> dict[str, Any]:
    return {
        "Runtime": target.runtime,
        "Role": role_arn,
        "Handler": worker.handler,
        "MemorySize": worker.memory_mb,
        "Timeout": worker.timeout_s,
        "EphemeralStorage": {"Size": worker.tmp_mb},
        "Environment": {"Variables": dict(worker.environment)},
    }
