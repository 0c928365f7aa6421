"""The function itself: its code and configuration, created or changed in steps."""

from __future__ import annotations

import base64
import hashlib
import time
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from rollout.deploy.changes import check_ours
from rollout.deploy.function_spec import START_VARIABLE

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from rollout.deploy.changes import Changes
    from rollout.target.target import Target

# Into a network of the user's it takes minutes.
_WAIT = {"Delay": 0.1, "MaxAttempts": 3_000}
_PATIENCE_S = 60.0
_PAUSE_S = 1.0
_PASSES = (
    # A new role is not known everywhere at once; until it is, Lambda refuses it.
    "cannot be assumed by Lambda",
    "execution role does not have permissions to call",  # ... CreateNetworkInterface
    # So does KMS, which is to let it read the environment's variables.
    # https://github.com/hashicorp/terraform-provider-aws/issues/4633
    "ARN does not refer to a valid principal",
    # Lambda asks EC2 about the network. Terraform's aws_lambda_function waits, too.
    "throttled by EC2",
)
# What Lambda leaves out while it is not set, or takes for a change.
_UNSET: dict[str, Any] = {
    "Environment": {"Variables": {}},
    "VpcConfig": {"SubnetIds": [], "SecurityGroupIds": []},
    "FileSystemConfigs": [],
}


def find(target: Target, name: str) -> dict[str, Any] | None:
    """Return what GetFunction answers, or None if there is no such function."""
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
    done: Changes,
) -> None:
    """
    Create the function, or change what differs, and wait until it can be called.

    Args:
        target: Where.

        name: The function's.

        wanted: Its configuration, in the words of CreateFunction.

        architecture: Of the code.

        code: The zip.

        tags: Put on it, beside those it has.

        done: Told what was done.
    """
    current = find(target, name)
    if current is None:
        _create(target, name, wanted, architecture, code, tags, done)
        return
    check_ours(f"function {name}", current.get("Tags", {}))
    # Lambda takes one update at a time, and somebody's may be under way.
    _wait(target, "function_updated_v2", name)
    configuration = current["Configuration"]
    _update_code(target, configuration, architecture, code, done)
    _update_configuration(target, configuration, wanted, done)
    if not tags.items() <= current.get("Tags", {}).items():
        target.client("lambda").tag_resource(
            Resource=configuration["FunctionArn"], Tags=dict(tags)
        )
        done.changed(f"function {name}: tags")


def remove(target: Target, name: str) -> bool:
    """Delete the function; tell whether there was one."""
    current = find(target, name)
    if current is None:
        return False
    check_ours(f"function {name}", current.get("Tags", {}))
    target.client("lambda").delete_function(FunctionName=name)
    return True


def _create(
    target: Target,
    name: str,
    wanted: Mapping[str, Any],
    architecture: str,
    code: bytes,
    tags: Mapping[str, str],
    done: Changes,
) -> None:
    client = target.client("lambda")
    set_ones = {key: value for key, value in wanted.items() if value != _UNSET.get(key)}
    with done.creating(f"function {name}", lambda: remove(target, name)):
        _once_it_passes(
            lambda: client.create_function(
                FunctionName=name,
                Code={"ZipFile": code},
                Architectures=[architecture],
                Tags=dict(tags),
                **set_ones,
            )
        )
    _wait(target, "function_active_v2", name)


def _update_code(
    target: Target,
    current: Mapping[str, Any],
    architecture: str,
    code: bytes,
    done: Changes,
) -> None:
    name = current["FunctionName"]
    digest = base64.b64encode(hashlib.sha256(code).digest()).decode("ascii")
    architectures = [architecture]
    if (current["CodeSha256"], current["Architectures"]) != (digest, architectures):
        target.client("lambda").update_function_code(
            FunctionName=name, ZipFile=code, Architectures=architectures
        )
        _wait(target, "function_updated_v2", name)
        done.changed(f"function {name}: code")


def _update_configuration(
    target: Target,
    current: Mapping[str, Any],
    wanted: Mapping[str, Any],
    done: Changes,
) -> None:
    name = current["FunctionName"]
    client = target.client("lambda")
    asked = {**wanted, "Environment": _with_start(wanted, current)}
    present = {key: _as_wanted(key, current) for key in asked}
    differing = {key: asked[key] for key in asked if present[key] != asked[key]}
    if differing:
        _once_it_passes(
            lambda: client.update_function_configuration(FunctionName=name, **differing)
        )
        _wait(target, "function_updated_v2", name)
        done.changed(f"function {name}: {', '.join(differing)}")


def _with_start(wanted: Mapping[str, Any], current: Mapping[str, Any]) -> object:
    """Return the environment that is wanted; executions stay unless others are."""
    there = current.get("Environment", {}).get("Variables", {})
    kept = {START_VARIABLE: there[START_VARIABLE]} if START_VARIABLE in there else {}
    return {"Variables": kept | wanted["Environment"]["Variables"]}


def _as_wanted(key: str, current: Mapping[str, Any]) -> object:
    """Return a setting as one asks for it, of which Lambda's own words tell more."""
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


def _once_it_passes(call: Callable[[], object]) -> None:
    """Call, again and again while Lambda refuses for what soon is over."""
    end = time.monotonic() + _PATIENCE_S
    while True:
        try:
            call()
        except ClientError as error:
            passes = any(text in str(error) for text in _PASSES)
            if not passes or time.monotonic() > end:
                raise
            time.sleep(_PAUSE_S)
        else:
            return
