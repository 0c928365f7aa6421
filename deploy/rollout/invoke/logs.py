"""The function's log, read from CloudWatch Logs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rollout.deploy.log_group import group_name
from rollout.errors import DeployError

if TYPE_CHECKING:
    import threading
    from collections.abc import Iterator

    from rollout.target.connection import Target

_PAUSE_S = 1.0
# Lines of different executions arrive out of order; late ones are looked for so long.
_LATE_MS = 30_000


def read(target: Target, name: str) -> Iterator[str]:
    """
    Yield all lines so far.

    Raises:
        DeployError: If the function has no log group.
    """
    for event in _events(target, name, since_ms=0):
        yield _line(event)


def follow(target: Target, name: str, until: threading.Event) -> Iterator[str]:
    """
    Yield all lines so far, and new ones as they arrive, until the event is set.

    Raises:
        DeployError: If the function has no log group, or no longer has one.
    """
    seen: dict[str, int] = {}
    is_last = False
    while not is_last:
        is_last = until.is_set()
        since_ms = max(seen.values(), default=0) - _LATE_MS
        seen = {key: at for key, at in seen.items() if at >= since_ms}
        for event in _events(target, name, max(0, since_ms)):
            if event["eventId"] not in seen:
                seen[event["eventId"]] = event["timestamp"]
                yield _line(event)
        until.wait(_PAUSE_S)


def _events(target: Target, name: str, since_ms: int) -> Iterator[dict[str, Any]]:
    client = target.client("logs")
    pages = client.get_paginator("filter_log_events").paginate(
        logGroupName=group_name(name), startTime=since_ms
    )
    try:
        for page in pages:
            yield from page["events"]
    except client.exceptions.ResourceNotFoundException as error:
        msg = (
            f"There is no log group {group_name(name)} on {target.name}. Run `rollout "
            f"deploy --name {name}` first."
        )
        raise DeployError(msg) from error


def _line(event: dict[str, Any]) -> str:
    return str(event["message"]).rstrip("\n")
