"""Where the function's log goes: a group that forgets after some days."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rollout.deploy.changes import check_ours

if TYPE_CHECKING:
    from rollout.deploy.changes import Changes
    from rollout.target.target import Target


def group_name(name: str) -> str:
    """
    Return where Lambda writes a function's log.

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
    target: Target, name: str, days: int, tags: dict[str, str], done: Changes
) -> None:
    """
    Create the function's log group, or bring it up to date.

    Args:
        target: Where.

        name: The function's.

        days: How long lines are kept.

        tags: Put on it, beside those it has.

        done: Told what was done.
    """
    logs = target.client("logs")
    own_name = group_name(name)
    group = find(target, name)
    if group is None:
        with done.creating(f"log group {own_name}", lambda: remove(target, name)):
            logs.create_log_group(logGroupName=own_name, tags=tags)
    else:
        current = _tags(target, name)
        check_ours(f"log group {own_name}", current)
        if not tags.items() <= current.items():
            logs.tag_resource(resourceArn=_arn(target, name), tags=tags)
            done.changed(f"log group {own_name}: tags")
        if group.get("retentionInDays") == days:
            return
        done.changed(f"log group {own_name}: lines are kept for {days} days")
    logs.put_retention_policy(logGroupName=own_name, retentionInDays=days)


def remove(target: Target, name: str) -> bool:
    """Delete the log group and every line in it; tell whether there was one."""
    if find(target, name) is None:
        return False
    check_ours(f"log group {group_name(name)}", _tags(target, name))
    target.client("logs").delete_log_group(logGroupName=group_name(name))
    return True


def _tags(target: Target, name: str) -> dict[str, str]:
    logs = target.client("logs")
    found: dict[str, str] = logs.list_tags_for_resource(resourceArn=_arn(target, name))[
        "tags"
    ]
    return found


def _arn(target: Target, name: str) -> str:
    return arn_of_streams(target, name).removesuffix(":*")
