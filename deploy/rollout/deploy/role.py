"""The function's own role, with no more permissions than it needs."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING, Any

from fetcher.s3.urls import Place
from rollout.deploy import vpc_efs_config
from rollout.deploy.expected_errors import (
    retry_while_transient,
    unless_absent,
    unless_done,
)
from rollout.deploy.ownership_tag import check_ours
from rollout.deploy.policies import INVOKE_ITSELF, JOIN_VPC, NAMES, USE_BUCKET
from rollout.errors import DeployError

if TYPE_CHECKING:
    from rollout.deploy.policies import Policies
    from rollout.deploy.rollback import Changes
    from rollout.target.connection import Target

PATH = "/million-downloads/"
NEEDED = (
    "Lambda needs it to remove its interfaces from your network, which takes some 20 "
    "minutes, or longer if another function uses the same network, and costs nothing. "
    "Destroy again then"
)
_GONE = "NoSuchEntity"

# Lambda takes roles of the function's own account only: no condition is needed.
_TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": "lambda.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
    ],
}


def role_name(target: Target, name: str) -> str:
    """Return the name of a function's role; roles are shared by all regions."""
    return f"{name}-{target.region}"


def find(target: Target, name: str) -> dict[str, Any] | None:
    """Return the function's role as IAM describes it, or None."""
    named = {"RoleName": role_name(target, name)}
    found = unless_absent(lambda: target.client("iam").get_role(**named), _GONE)
    return found and found["Role"]


def ensure(
    target: Target,
    name: str,
    tags: dict[str, str],
    policies: Policies,
    changes: Changes,
) -> str:
    """Create the function's role, or update it and add tags; return its ARN."""
    own_name = role_name(target, name)
    role = find(target, name)
    if role is None and _create(target, name, tags, changes):
        _put(target, own_name, policies)
        return _arn(target, own_name)
    role = role or _existing(target, own_name)
    _check_ours(role)
    _update_trust(target, role, changes)
    _update_policies(target, name, policies, changes)
    _update_tags(target, role, tags, changes)
    return str(role["Arn"])


def remove(target: Target, name: str) -> bool:
    """
    Delete the role and its inline policies; return whether there was one.

    Raises:
        DeployError: If it is not ours, or has policies attached; then it stays as is.
    """
    iam = target.client("iam")
    role = find(target, name)
    if role is None:
        return False
    own_name = role["RoleName"]
    _check_ours(role)
    _check_nothing_is_attached(target, own_name)
    for policy in _policies(target, own_name):
        with unless_done(_GONE):
            iam.delete_role_policy(RoleName=own_name, PolicyName=policy)
    with unless_done(_GONE):
        iam.delete_role(RoleName=own_name)
    return True


def is_needed_to_leave(target: Target, name: str) -> bool:
    """Return whether Lambda has interfaces in a network to remove with the role."""
    own_role = find(target, name)
    return (
        bool(own_role)
        and JOIN_VPC in _policies(target, role_name(target, name))
        and vpc_efs_config.has_interfaces(target, name)
    )


def shares_jobs(target: Target, name: str) -> bool:
    """Return whether the function is a service that takes jobs; it must have a role."""
    return INVOKE_ITSELF in _policies(target, role_name(target, name))


def policies_of(target: Target, name: str) -> Policies:
    """Return the policies of the function's role, as IAM has them."""
    own_name = role_name(target, name)
    names = _policies(target, own_name)
    return {policy: _document(target, own_name, policy) for policy in names}


def bucket_of(target: Target, name: str) -> Place | None:
    """Return the place in S3 that the role lets the function write to, if any."""
    own_name, role = role_name(target, name), find(target, name)
    if role is None:
        return None
    _check_ours(role)
    if USE_BUCKET not in _policies(target, own_name):
        return None
    document = _document(target, own_name, USE_BUCKET)
    arn: str = document["Statement"][0]["Resource"]
    bucket, _, keys = arn.split(":", 5)[5].partition("/")  # a key may hold colons
    return Place(bucket, keys.removesuffix("*").rstrip("/"))


def _create(target: Target, name: str, tags: dict[str, str], changes: Changes) -> bool:
    """Create the role; return whether nobody else was faster."""
    own_name, iam = role_name(target, name), target.client("iam")
    return changes.create(
        f"role {own_name}",
        lambda: iam.create_role(
            Path=PATH,
            RoleName=own_name,
            AssumeRolePolicyDocument=json.dumps(_TRUST),
            Description=f"Permissions of the function {name}",
            Tags=_pairs(tags),
        ),
        lambda: _remove_unless_needed(target, name),
    )


def _remove_unless_needed(target: Target, name: str) -> bool:
    if is_needed_to_leave(target, name):
        raise DeployError(NEEDED)
    return remove(target, name)


def _existing(target: Target, own_name: str) -> dict[str, Any]:
    """Return a role that somebody else has just created."""
    iam = target.client("iam")
    iam.get_waiter("role_exists").wait(RoleName=own_name)
    role: dict[str, Any] = iam.get_role(RoleName=own_name)["Role"]
    return role


def _arn(target: Target, own_name: str) -> str:
    # GetRole may not know a new role yet.
    return f"arn:{target.partition}:iam::{target.account}:role{PATH}{own_name}"


def _update_trust(target: Target, role: dict[str, Any], changes: Changes) -> None:
    if role["AssumeRolePolicyDocument"] != _TRUST:
        own_name = role["RoleName"]
        target.client("iam").update_assume_role_policy(
            RoleName=own_name, PolicyDocument=json.dumps(_TRUST)
        )
        changes.changed(f"role {own_name}: trust")


def _update_policies(
    target: Target, name: str, policies: Policies, changes: Changes
) -> None:
    own_name, current = role_name(target, name), policies_of(target, name)
    differing = {
        policy: document
        for policy, document in policies.items()
        if current.get(policy) != document
    }
    # Policies of other names are the user's, for a key of the bucket's, say. With that
    # for the network Lambda removes its interfaces there, long after the function left:
    # https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html
    surplus = (current.keys() & NAMES) - policies.keys() - {JOIN_VPC}
    _put(target, own_name, differing)
    for one in surplus:
        with unless_done(_GONE):
            target.client("iam").delete_role_policy(RoleName=own_name, PolicyName=one)
    if differing or surplus:
        names = ", ".join(sorted(differing.keys() | surplus))
        changes.changed(f"role {own_name}: permissions {names}")


def _update_tags(
    target: Target, role: dict[str, Any], tags: dict[str, str], changes: Changes
) -> None:
    if not tags.items() <= _tags(role).items():
        own_name = role["RoleName"]
        target.client("iam").tag_role(RoleName=own_name, Tags=_pairs(tags))
        changes.changed(f"role {own_name}: tags")


def _put(target: Target, own_name: str, policies: Policies) -> None:
    put = partial(target.client("iam").put_role_policy, RoleName=own_name)
    for name, document in policies.items():
        text = json.dumps(document)
        retry_while_transient(partial(put, PolicyName=name, PolicyDocument=text))


def _policies(target: Target, own_name: str) -> list[str]:
    listed = target.client("iam").list_role_policies(RoleName=own_name)
    names: list[str] = listed["PolicyNames"]
    return names


def _document(target: Target, own_name: str, policy: str) -> dict[str, Any]:
    found = target.client("iam").get_role_policy(RoleName=own_name, PolicyName=policy)
    document: dict[str, Any] = found["PolicyDocument"]
    return document


def _check_nothing_is_attached(target: Target, own_name: str) -> None:
    # IAM would refuse to delete the role, but only once its own policies are gone.
    # https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteRole.html
    listed = target.client("iam").list_attached_role_policies(RoleName=own_name)
    arns = [policy["PolicyArn"] for policy in listed["AttachedPolicies"]]
    if arns:
        msg = (
            f"The role {own_name} stays, because somebody attached {', '.join(arns)}. "
            f"Detach it, by aws iam detach-role-policy --role-name {own_name} "
            f"--policy-arn {arns[0]}, and destroy again."
        )
        raise DeployError(msg)


def _check_ours(role: dict[str, Any]) -> None:
    check_ours(f"role {role['RoleName']}", _tags(role))


def _tags(role: dict[str, Any]) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in role.get("Tags", ())}


def _pairs(tags: dict[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]
