"""The function's log group, which deletes lines after some days."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rollout.deploy.expected_errors import retry_while_transient, unless_done
from rollout.deploy.ownership_tag import check_ours

if TYPE_CHECKING:
    from rollout.deploy.rollback import Changes
    from rollout.target.connection import Target


def group_name(name: str) -> str:
    """
    Return the name of the log group that Lambda writes a function's log to.

    >>> group_name("fetcher")
    '/aws/lambda/fetcher'
    """
    return f"/aws/lambda/{name}"


def arn_of_streams(target: Target, name: str) -> str:
    """Return the ARN of everything in a function's log group."""
    place = f"{target.partition}:logs:{target.region}:{target.account}"
    return f"arn:{place}:log-group:{group_name(name)}:*"


def find(target: Target, name: str) -> dict[str, Any] | None:
    """Return the function's log group as CloudWatch describes it, or None."""
    wanted = group_name(name)
    pages = target.client("logs").get_paginator("describe_log_groups")
    for page in pages.paginate(logGroupNamePrefix=wanted):
        for group in page["logGroups"]:
            if group["logGroupName"] == wanted:
                found: dict[str, Any] = group
                return found
    return None


def ensure(
    target: Target, name: str, days: int, tags: dict[str, str], changes: Changes
) -> None:
    """Create the function's log group, or change its retention and add tags."""
    logs = target.client("logs")
    own_name = group_name(name)
    group = find(target, name)
    is_new = group is None and changes.create(
        f"log group {own_name}",
        lambda: logs.create_log_group(logGroupName=own_name, tags=tags),
        lambda: remove(target, name),
    )
    if not is_new:
        group = group or find(target, name) or {}
        current = _tags(target, name)
        check_ours(f"log group {own_name}", current)
        if not tags.items() <= current.items():
            logs.tag_resource(resourceArn=_arn(target, name), tags=tags)
            changes.changed(f"log group {own_name}: tags")
        if group.get("retentionInDays") == days:
            return
        changes.changed(f"log group {own_name}: lines are kept for {days} days")
    retry_while_transient(
        lambda: logs.put_retention_policy(logGroupName=own_name, retentionInDays=days)
    )


def remove(target: Target, name: str) -> bool:
    """Delete the log group with all its lines; return whether there was one."""
    if find(target, name) is None:
        return False
    check_ours(f"log group {group_name(name)}", _tags(target, name))
    with unless_done("ResourceNotFoundException"):
        target.client("logs").delete_log_group(logGroupName=group_name(name))
    return True


def _tags(target: Target, name: str) -> dict[str, str]:
    logs, arn = target.client("logs"), _arn(target, name)
    tags: dict[str, str] = logs.list_tags_for_resource(resourceArn=arn)["tags"]
    return tags


def _arn(target: Target, name: str) -> str:
    return arn_of_streams(target, name).removesuffix(":*")
