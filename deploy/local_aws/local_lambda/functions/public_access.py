"""A resource policy, and whether it lets anybody call a URL."""

from collections.abc import Mapping
from typing import Any

Policy = Mapping[str, Mapping[str, Any]]
"""Statements by their ids, in the order of their making."""

CALL_URL = "lambda:InvokeFunctionUrl"
# Since October 2025 a request to a URL takes both: AWS docs urls-auth,
# awsdocs/aws-lambda-developer-guide#494.
_UNSIGNED_REQUEST = {
    CALL_URL: {"lambda:FunctionUrlAuthType": "NONE"},
    "lambda:InvokeFunction": {"lambda:InvokedViaFunctionUrl": "true"},
}


def lets_anybody_call_url(policy: Policy) -> bool:
    """Whether a URL whose AuthType is NONE admits unsigned requests."""
    return all(
        any(_lets_anybody(one, action, context) for one in policy.values())
        for action, context in _UNSIGNED_REQUEST.items()
    )


def _lets_anybody(
    statement: Mapping[str, Any], action: str, context: Mapping[str, str]
) -> bool:
    conditions = statement.get("Condition", {}).values()
    return (
        statement["Principal"] == "*"
        and statement["Action"] in (action, "lambda:*", "*")
        and all(
            context.get(key) == value
            for condition in conditions
            for key, value in condition.items()
        )
    )
