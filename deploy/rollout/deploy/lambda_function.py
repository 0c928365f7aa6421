"""The function itself: code and configuration, created or updated."""

from __future__ import annotations

import base64
import hashlib
import re
from functools import partial
from typing import TYPE_CHECKING, Any

from botocore.exceptions import WaiterError

from rollout.deploy.expected_errors import (
    retry_while_transient,
    unless_absent,
    unless_done,
)
from rollout.deploy.function_spec import START_VARIABLE
from rollout.deploy.ownership_tag import check_ours

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rollout.deploy.rollback import Changes
    from rollout.target.connection import Target

_MEMORY_CAP = re.compile(r"MemorySize.* less than or equal to (\d+)", re.IGNORECASE)
# Joining the user's network takes minutes.
_WAIT = {"Delay": 0.1, "MaxAttempts": 3_000}
# Settings that Lambda omits while they are unset.
_UNSET: dict[str, Any] = {
    "Environment": {"Variables": {}},
    "VpcConfig": {"SubnetIds": [], "SecurityGroupIds": []},
    "FileSystemConfigs": [],
}


def memory_cap_in(refusal: str) -> int:
    """
    Return the most MB that a refusal says the account may have; 0: it does not.

    No API tells. https://github.com/alexcasalboni/aws-lambda-power-tuning/pull/181

    >>> memory_cap_in("'MemorySize' must have value less than or equal to 3008")
    3008
    >>> said = "Value '10240' at 'memorySize' failed to satisfy constraint: Member must"
    >>> memory_cap_in(f"{said} have value less than or equal to 3008")
    3008
    """
    cap = _MEMORY_CAP.search(refusal)
    return int(cap[1]) if cap else 0


def find(target: Target, name: str) -> dict[str, Any] | None:
    """Return the response of GetFunction, or None if there is no such function."""
    ask = partial(target.client("lambda").get_function, FunctionName=name)
    return unless_absent(ask, "ResourceNotFoundException")


def ensure(
    target: Target,
    name: str,
    wanted: Mapping[str, Any],
    architecture: str,
    code: bytes,
    tags: Mapping[str, str],
    changes: Changes,
) -> None:
    """
    Create the function, or change what differs, and wait until it can be called.

    The wanted configuration is as CreateFunction takes it; tags are added.
    """
    client = target.client("lambda")
    current = find(target, name)
    if current is None:
        request = {
            "FunctionName": name,
            "Code": {"ZipFile": code},
            "Architectures": [architecture],
            "Tags": dict(tags),
        }
        request |= {key: one for key, one in wanted.items() if one != _UNSET.get(key)}
        is_new = changes.create(
            f"function {name}",
            lambda: client.create_function(**request),
            lambda: remove(target, name),
        )
        _wait(target, "function_active_v2", name)
        if is_new:
            return
        current = client.get_function(FunctionName=name)
    check_ours(f"function {name}", current.get("Tags", {}))
    _wait_for_other_updates(target, name)
    configuration = current["Configuration"]
    _update_code(target, configuration, architecture, code, changes)
    _update_configuration(target, configuration, wanted, changes)
    if not tags.items() <= current.get("Tags", {}).items():
        client.tag_resource(Resource=configuration["FunctionArn"], Tags=dict(tags))
        changes.changed(f"function {name}: tags")


def remove(target: Target, name: str) -> bool:
    """Delete the function; return whether there was one."""
    current = find(target, name)
    if current is None:
        return False
    check_ours(f"function {name}", current.get("Tags", {}))
    client = target.client("lambda")
    with unless_done("ResourceNotFoundException"):
        retry_while_transient(lambda: client.delete_function(FunctionName=name))
    return True


def _update_code(
    target: Target,
    current: Mapping[str, Any],
    architecture: str,
    code: bytes,
    changes: Changes,
) -> None:
    name = current["FunctionName"]
    digest = base64.b64encode(hashlib.sha256(code).digest()).decode("ascii")
    architectures = [architecture]
    if (current["CodeSha256"], current["Architectures"]) != (digest, architectures):
        update = partial(target.client("lambda").update_function_code, ZipFile=code)
        retry_while_transient(
            lambda: update(FunctionName=name, Architectures=architectures)
        )
        _wait(target, "function_updated_v2", name)
        changes.changed(f"function {name}: code")


def _update_configuration(
    target: Target,
    current: Mapping[str, Any],
    wanted: Mapping[str, Any],
    changes: Changes,
) -> None:
    name = current["FunctionName"]
    client = target.client("lambda")
    wanted = {**wanted, "Environment": _with_start(wanted, current)}
    differing = {
        key: value for key, value in wanted.items() if value != _setting(key, current)
    }
    if differing:
        update = partial(client.update_function_configuration, FunctionName=name)
        retry_while_transient(lambda: update(**differing))
        _wait(target, "function_updated_v2", name)
        changes.changed(f"function {name}: {', '.join(differing)}")


def _with_start(wanted: Mapping[str, Any], current: Mapping[str, Any]) -> object:
    """Return the wanted environment; without a new start value the old one stays."""
    present = current.get("Environment", {}).get("Variables", {})
    start = {key: value for key, value in present.items() if key == START_VARIABLE}
    return {"Variables": start | wanted["Environment"]["Variables"]}


def _setting(key: str, current: Mapping[str, Any]) -> object:
    """Return a current setting in the form of a request, without Lambda's additions."""
    found = current.get(key, _UNSET.get(key))
    if key == "VpcConfig":
        return {name: sorted(found.get(name, ())) for name in _UNSET[key]}
    if key == "FileSystemConfigs":
        return [
            {name: one[name] for name in ("Arn", "LocalMountPath")} for one in found
        ]
    return found


def _wait_for_other_updates(target: Target, name: str) -> None:
    """
    Wait for somebody else's update: Lambda takes one at a time.

    One that failed was dropped, and is in nobody's way, but the waiter raises then.
    https://docs.aws.amazon.com/lambda/latest/dg/functions-states.html
    """
    try:
        _wait(target, "function_updated_v2", name)
    except WaiterError as error:
        configuration = error.last_response.get("Configuration", {})
        if configuration.get("LastUpdateStatus") != "Failed":
            raise


def _wait(target: Target, event: str, name: str) -> None:
    waiter = target.client("lambda").get_waiter(event)
    waiter.wait(FunctionName=name, WaiterConfig=_WAIT)
