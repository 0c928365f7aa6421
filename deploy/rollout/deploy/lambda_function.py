"""The function itself: code and configuration, created or updated."""

from __future__ import annotations

import base64
import hashlib
import time
from functools import partial
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from rollout.deploy.changes import check_ours
from rollout.deploy.function_spec import START_VARIABLE
from rollout.target.refusals import done_by_an_earlier_attempt

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from rollout.deploy.changes import Changes
    from rollout.target.target import Target

# Joining the user's network takes minutes.
_WAIT = {"Delay": 0.1, "MaxAttempts": 3_000}
_PATIENCE_S = 60.0
_PAUSE_S = 1.0
_CONFLICT = "ResourceConflictException"  # the update is under way
_TRANSIENT = (
    # A new role is not known everywhere at once; until then Lambda refuses it.
    "cannot be assumed by Lambda",
    "execution role does not have permissions to call",  # ... CreateNetworkInterface
    # So does KMS, which decrypts the environment variables for it.
    # https://github.com/hashicorp/terraform-provider-aws/issues/4633
    "ARN does not refer to a valid principal",
    # Lambda asks EC2 about the network; Terraform's aws_lambda_function waits, too.
    "throttled by EC2",
)
# Settings that Lambda omits while they are unset.
_UNSET: dict[str, Any] = {
    "Environment": {"Variables": {}},
    "VpcConfig": {"SubnetIds": [], "SecurityGroupIds": []},
    "FileSystemConfigs": [],
}


def find(target: Target, name: str) -> dict[str, Any] | None:
    """Return the response of GetFunction, or None if there is no such function."""
    client = target.client("lambda")
    try:
        found: dict[str, Any] = client.get_function(FunctionName=name)
    except client.exceptions.ResourceNotFoundException:
        return None
    return found


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
    current = find(target, name)
    if current is None:
        request = {
            "FunctionName": name,
            "Code": {"ZipFile": code},
            "Architectures": [architecture],
            "Tags": dict(tags),
        }
        set_here = {key: one for key, one in wanted.items() if one != _UNSET.get(key)}
        _create(target, request | set_here, changes)
        return
    check_ours(f"function {name}", current.get("Tags", {}))
    # Lambda takes one update at a time, and somebody else's may be under way.
    _wait(target, "function_updated_v2", name)
    configuration = current["Configuration"]
    _update_code(target, configuration, architecture, code, changes)
    _update_configuration(target, configuration, wanted, changes)
    if not tags.items() <= current.get("Tags", {}).items():
        target.client("lambda").tag_resource(
            Resource=configuration["FunctionArn"], Tags=dict(tags)
        )
        changes.changed(f"function {name}: tags")


def remove(target: Target, name: str) -> bool:
    """Delete the function; return whether there was one."""
    current = find(target, name)
    if current is None:
        return False
    check_ours(f"function {name}", current.get("Tags", {}))
    with done_by_an_earlier_attempt("ResourceNotFoundException"):
        target.client("lambda").delete_function(FunctionName=name)
    return True


def _create(target: Target, request: Mapping[str, Any], changes: Changes) -> None:
    client, name = target.client("lambda"), request["FunctionName"]
    with changes.creating(f"function {name}", lambda: remove(target, name)):
        _retry_while_transient(lambda: client.create_function(**request))
    _wait(target, "function_active_v2", name)


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
        with done_by_an_earlier_attempt(_CONFLICT):
            target.client("lambda").update_function_code(
                FunctionName=name, ZipFile=code, Architectures=architectures
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
        with done_by_an_earlier_attempt(_CONFLICT):
            _retry_while_transient(lambda: update(**differing))
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


def _wait(target: Target, event: str, name: str) -> None:
    waiter = target.client("lambda").get_waiter(event)
    waiter.wait(FunctionName=name, WaiterConfig=_WAIT)


def _retry_while_transient(call: Callable[[], object]) -> None:
    """Make a call, and repeat it while Lambda refuses for a transient reason."""
    end = time.monotonic() + _PATIENCE_S
    while True:
        try:
            call()
        except ClientError as error:
            is_transient = any(text in str(error) for text in _TRANSIENT)
            if not is_transient or time.monotonic() > end:
                raise
            time.sleep(_PAUSE_S)
        else:
            return
