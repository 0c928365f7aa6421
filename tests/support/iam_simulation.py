"""What IAM would say of the calls that were recorded, as moto's IAM reads policies."""

import json

from moto.iam.access_control import IAMPolicy, PermissionResult


def denied(policy, needs):
    """Return which of the needs, `permissions_needed.Need`, a policy does not grant."""
    reads = IAMPolicy(json.dumps(policy)).is_action_permitted
    return [
        need
        for need in needs
        if reads(need.action, need.resource, incoming_condition_values=need.context)
        is not PermissionResult.PERMITTED
    ]


def idle(policy, needs):
    """Return the statements of a policy without which it would grant as much."""
    statements = policy["Statement"]
    return [
        one
        for one in statements
        if not denied({"Statement": [s for s in statements if s is not one]}, needs)
    ]
