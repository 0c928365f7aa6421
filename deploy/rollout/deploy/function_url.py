"""The function's URL, and who may call it."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from rollout.deploy.expected_errors import (
    retry_while_transient,
    unless_absent,
    unless_done,
)
from rollout.deploy.function_spec import ANYBODY
from rollout.target.aws_errors import code_of

if TYPE_CHECKING:
    from rollout.deploy.rollback import Changes
    from rollout.target.connection import Target

_GONE, _EXISTS = "ResourceNotFoundException", "ResourceConflictException"

# Since October 2025 a public URL needs both.
# https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html
_PUBLIC: dict[str, dict[str, Any]] = {
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
    ask = partial(target.client("lambda").get_function_url_config, FunctionName=name)
    return unless_absent(ask, _GONE)


def ensure(target: Target, name: str, wanted: str, changes: Changes) -> None:
    """Create a URL for these callers, change them, or, if there are none, delete it."""
    update = partial(
        target.client("lambda").update_function_url_config, AuthType=wanted
    )
    before = find(target, name)
    current = before or (_created(target, name, wanted) if wanted else None)
    auth = _auth(current)
    if auth == ANYBODY != wanted:  # first, so that nobody slips in meanwhile
        _set_public(target, name, public=False)
    if current and not wanted:
        with unless_done(_GONE):
            target.client("lambda").delete_function_url_config(FunctionName=name)
    elif wanted != auth:
        retry_while_transient(lambda: update(FunctionName=name))
    became_public = wanted == ANYBODY and _set_public(target, name, public=True)
    if wanted != _auth(before) or became_public:
        changes.changed(f"function {name}: {f'URL, {wanted}' if wanted else 'no URL'}")


def _auth(found: dict[str, Any] | None) -> str:
    return found["AuthType"] if found else ""


def _created(target: Target, name: str, wanted: str) -> dict[str, Any]:
    """
    Create the URL and return its configuration.

    A call whose answer got lost may have created it, or somebody else, for others.
    """
    create = partial(
        target.client("lambda").create_function_url_config, AuthType=wanted
    )
    made: dict[str, Any] | None
    try:
        made = create(FunctionName=name)
    except ClientError as error:
        made = find(target, name) if code_of(error) == _EXISTS else None
        if made is None:
            raise
    return made


def _set_public(target: Target, name: str, *, public: bool) -> bool:
    """Let everybody call the URL, or nobody; return whether the policy changed."""
    client = target.client("lambda")
    present = _statements(target, name)
    differing = [sid for sid in _PUBLIC if (sid in present) != public]
    for statement in differing:
        about = {"FunctionName": name, "StatementId": statement}
        with unless_done(_EXISTS if public else _GONE):
            if public:
                client.add_permission(**about, Principal="*", **_PUBLIC[statement])
            else:
                client.remove_permission(**about)
    return bool(differing)


def _statements(target: Target, name: str) -> set[str]:
    ask = partial(target.client("lambda").get_policy, FunctionName=name)
    found = unless_absent(ask, _GONE) or {"Policy": '{"Statement": []}'}
    return {one["Sid"] for one in json.loads(found["Policy"])["Statement"]}
