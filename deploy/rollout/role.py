"""What the function may do: a role of its own, allowed to write its own log."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from rollout.changes import check_ours
from rollout.log_group import arn_of_streams

if TYPE_CHECKING:
    from rollout.changes import Changes
    from rollout.target import Target

PATH = "/million-downloads/"

_POLICY = "write-own-log"
# Lambda only takes roles of the function's own account, so no condition is needed here.
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
    iam = target.client("iam")
    try:
        role: dict[str, Any] = iam.get_role(RoleName=role_name(target, name))["Role"]
    except iam.exceptions.NoSuchEntityException:
        return None
    return role


def ensure(target: Target, name: str, tags: dict[str, str], done: Changes) -> str:
    """
    Create the function's role, or bring it up to date.

    Returns:
        Its ARN.
    """
    iam = target.client("iam")
    own_name = role_name(target, name)
    policy = _policy(arn_of_streams(target, name))
    role = find(target, name)
    if role is None:
        role = iam.create_role(
            Path=PATH,
            RoleName=own_name,
            AssumeRolePolicyDocument=json.dumps(_TRUST),
            Description=f"What the function {name} may do",
            Tags=[{"Key": key, "Value": value} for key, value in tags.items()],
        )["Role"]
        done.created(f"role {own_name}", lambda: remove(target, name))
    else:
        _check_ours(role)
        trusted = role["AssumeRolePolicyDocument"] == _TRUST
        if trusted and _current_policy(target, own_name) == policy:
            return str(role["Arn"])
        iam.update_assume_role_policy(
            RoleName=own_name, PolicyDocument=json.dumps(_TRUST)
        )
        done.changed(f"role {own_name}: trust and permissions")
    iam.put_role_policy(
        RoleName=own_name, PolicyName=_POLICY, PolicyDocument=json.dumps(policy)
    )
    return str(role["Arn"])


def remove(target: Target, name: str) -> bool:
    """Delete the role and the policies inside it; tell whether there was one."""
    iam = target.client("iam")
    role = find(target, name)
    if role is None:
        return False
    own_name = role["RoleName"]
    _check_ours(role)
    for policy in iam.list_role_policies(RoleName=own_name)["PolicyNames"]:
        iam.delete_role_policy(RoleName=own_name, PolicyName=policy)
    iam.delete_role(RoleName=own_name)
    return True


def _check_ours(role: dict[str, Any]) -> None:
    tags = {tag["Key"]: tag["Value"] for tag in role.get("Tags", ())}
    check_ours(f"role {role['RoleName']}", tags)


def _policy(streams: str) -> dict[str, Any]:
    # No logs:CreateLogGroup: an execution that outlives `destroy` cannot bring the
    # log group back.
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
                "Resource": streams,
            }
        ],
    }


def _current_policy(target: Target, own_name: str) -> dict[str, Any] | None:
    iam = target.client("iam")
    try:
        found = iam.get_role_policy(RoleName=own_name, PolicyName=_POLICY)
    except iam.exceptions.NoSuchEntityException:
        return None
    document: dict[str, Any] = found["PolicyDocument"]
    return document
