"""The function's URL: made, changed, removed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from rollout.deploy.function_spec import ANYBODY

if TYPE_CHECKING:
    from rollout.deploy.changes import Changes
    from rollout.target.target import Target

# A URL for anybody needs both, since October 2025.
# https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html
_LET_ANYBODY: dict[str, dict[str, Any]] = {
    "anybody-may-call-the-url": {
        "Action": "lambda:InvokeFunctionUrl",
        "FunctionUrlAuthType": ANYBODY,
    },
    "anybody-may-invoke-by-the-url": {
        "Action": "lambda:InvokeFunction",
        "InvokedViaFunctionUrl": True,
    },
}


def find(target: Target, name: str) -> dict[str, Any] | None:
    """Return the URL's configuration, or None."""
    client = target.client("lambda")
    try:
        found: dict[str, Any] = client.get_function_url_config(FunctionName=name)
    except client.exceptions.ResourceNotFoundException:
        return None
    return found


def ensure(target: Target, name: str, wanted: str, done: Changes) -> None:
    """
    Give the function a URL, change who may call it, or take it away.

    Args:
        target: Where.

        name: The function's.

        wanted: Who may call it: ``AWS_IAM`` or ``NONE``; empty: there is to be none.

        done: Told what was done.
    """
    client = target.client("lambda")
    current = find(target, name)
    auth = current["AuthType"] if current else ""
    if auth == ANYBODY != wanted:  # before anything else: nobody slips in meanwhile
        _let_anybody(target, name, let=False)
    if not wanted and current:
        client.delete_function_url_config(FunctionName=name)
    elif wanted and not current:
        client.create_function_url_config(FunctionName=name, AuthType=wanted)
    elif wanted != auth:
        client.update_function_url_config(FunctionName=name, AuthType=wanted)
    is_open_now = wanted == ANYBODY and _let_anybody(target, name, let=True)
    if wanted != auth or is_open_now:
        done.changed(f"function {name}: {f'URL, {wanted}' if wanted else 'no URL'}")


def _let_anybody(target: Target, name: str, *, let: bool) -> bool:
    """Have the function's policy let anybody in, or nobody; tell whether it changed."""
    client = target.client("lambda")
    there = _statements(target, name)
    differing = [one for one in _LET_ANYBODY if (one in there) != let]
    for statement in differing:
        if let:
            client.add_permission(
                FunctionName=name,
                StatementId=statement,
                Principal="*",
                **_LET_ANYBODY[statement],
            )
        else:
            client.remove_permission(FunctionName=name, StatementId=statement)
    return bool(differing)


def _statements(target: Target, name: str) -> set[str]:
    client = target.client("lambda")
    try:
        policy = client.get_policy(FunctionName=name)["Policy"]
    except client.exceptions.ResourceNotFoundException:
        return set()
    return {statement["Sid"] for statement in json.loads(policy)["Statement"]}
