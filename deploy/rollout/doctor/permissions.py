"""Permissions of whoever is signed in, simulated by IAM, or tried by looking."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from rollout.deploy import deployment, role
from rollout.doctor.finding import COULD_NOT_LOOK, GRANT, NOT_OK, OK, Finding, unseen
from rollout.errors import DeployError
from rollout.target.aws_errors import denied_action, is_denial, message_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rollout.target.connection import Target

POLICY = Path(__file__).parents[2] / "permissions.json"

_SUBJECT = "permissions"
_ALLOWED = "allowed"
_BUCKET = "million-downloads-any"  # a name that the policy is for


def look(target: Target, caller: str, function: str) -> Finding:
    """Return which permissions of deploy/permissions.json are missing."""
    if not target.asks_iam:
        return Finding(_SUBJECT, OK, "a local endpoint asks for none")
    if caller.endswith(":root"):
        return Finding(
            _SUBJECT,
            OK,
            "all: this is the account's root user. Better work as an IAM user or role",
        )
    try:
        missing = sorted(set(_missing(target, caller, function)))
    except (BotoCoreError, ClientError) as error:
        return _tried(target, function, error)
    if missing:
        return Finding(_SUBJECT, NOT_OK, f"missing: {', '.join(missing)}", GRANT)
    return Finding(_SUBJECT, OK, "all of deploy/permissions.json, as IAM simulates it")


def _missing(target: Target, caller: str, function: str) -> Iterator[str]:
    """
    Yield the actions that IAM would not allow.

    It is asked about one resource at a time: of several, `EvalDecision` is what holds
    for all together.
    https://docs.aws.amazon.com/IAM/latest/APIReference/API_EvaluationResult.html
    """
    iam, source = target.client("iam"), _principal(target, caller)
    pages = iam.get_paginator("simulate_principal_policy")
    for statement in json.loads(POLICY.read_text("utf-8"))["Statement"]:
        actions = _list(statement["Action"])
        for pattern in _list(statement["Resource"]):
            resource = _concrete(target, pattern, function)
            asked = {
                "PolicySourceArn": source,
                "ActionNames": [one for one in actions if _is_meant(one, resource)],
                "ResourceArns": [resource],
                "ContextEntries": list(_context(statement)),
            }
            for page in pages.paginate(**asked):
                for result in page["EvaluationResults"]:
                    if result["EvalDecision"] != _ALLOWED:
                        yield result["EvalActionName"]


def _is_meant(action: str, resource: str) -> bool:
    """Return whether the action is about such a resource: a bucket, or objects."""
    if not action.startswith("s3:") or resource == "*":
        return True
    return ("Bucket" in action) == ("/" not in resource)


def _principal(target: Target, caller: str) -> str:
    """Return the user or role to simulate; a session is that of a role."""
    kind, _, name = caller.rpartition(":")[2].partition("/")
    if kind != "assumed-role":
        return caller
    own_name = name.partition("/")[0]
    found: str = target.client("iam").get_role(RoleName=own_name)["Role"]["Arn"]
    return found


def _concrete(target: Target, pattern: str, function: str) -> str:
    """Return a resource that the pattern is for, as it will be asked about."""
    if pattern == "*":
        return pattern
    _, _, service, region, account, resource = pattern.split(":", 5)
    if service == "s3":
        bucket, slash, key = resource.partition("/")
        resource = bucket.replace("million-downloads*", _BUCKET)
        resource += slash + key.replace("*", "x")
    elif service == "iam":
        resource = f"role{role.PATH}{role.role_name(target, function)}"
    else:
        resource = resource.replace("million-downloads*", function)
    place = (region and target.region, account and target.account)
    return ":".join(("arn", target.partition, service, *place, resource))


def _context(statement: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for key, value in statement.get("Condition", {}).get("StringEquals", {}).items():
        yield {
            "ContextKeyName": key,
            "ContextKeyValues": [value],
            "ContextKeyType": "string",
        }


def _tried(target: Target, function: str, not_asked: Exception) -> Finding:
    """Return what looking at an own function shows, which makes nothing."""
    try:
        deployment.status(target, function)
        target.client("lambda").get_account_settings()
    except (DeployError, BotoCoreError, ClientError) as error:
        is_denied = is_denial(error.__cause__) or is_denial(error)
        return unseen(_SUBJECT, error, state=NOT_OK if is_denied else COULD_NOT_LOOK)
    action = denied_action(not_asked)
    why = f"{action} is denied" if action else message_of(not_asked)
    return Finding(
        _SUBJECT,
        COULD_NOT_LOOK,
        "looking is allowed. Whether making things is, a deployment shows; one that "
        f"fails leaves nothing. IAM could not be asked: {why}",
        f"allow {action}, or go on" if action else "try again in a minute, or go on",
    )


def _list(one_or_more: Any) -> list[str]:  # noqa: ANN401 - as policies have it
    return [one_or_more] if isinstance(one_or_more, str) else one_or_more
