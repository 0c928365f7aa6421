"""The target `aws`, of which only the addresses are not AWS's."""

import json
from contextlib import contextmanager
from pathlib import Path

from botocore.retries.standard import ExponentialBackoff
from tests.support.permission_gate import Gate, as_list

from rollout.deploy import role

ROOT = Path(__file__).parents[2]
POLICY = json.loads(ROOT.joinpath("deploy/permissions.json").read_text())
POLICY_OF_CHECK = json.loads(ROOT.joinpath("deploy/permissions-check.json").read_text())

NAME = "million-downloads-t"  # of a function that the policy is for


@contextmanager
def aws_in_place(endpoint_url, monkeypatch, policy=POLICY):
    """
    Let `connect("aws")` find the local endpoint, behind a gate that yields.

    The environment is that of a user who has access keys in variables. What is repeated
    is repeated at once.
    """
    with Gate(endpoint_url, policy) as gate:
        monkeypatch.setattr(ExponentialBackoff, "delay_amount", lambda *_: 0.0)
        monkeypatch.setenv("AWS_REGION", "us-east-1")
        monkeypatch.setenv("AWS_ENDPOINT_URL", gate.url)
        yield gate


def actions_of(policy):
    """Return every action that a policy names."""
    return [one for part in policy["Statement"] for one in as_list(part["Action"])]


def interfaces(count):
    """Return EC2's answer on a function's network interfaces."""
    items = "<item><status>in-use</status></item>" * count
    found = f"<networkInterfaceSet>{items}</networkInterfaceSet>"
    name = "DescribeNetworkInterfacesResponse"
    return f'<{name} xmlns="http://ec2.amazonaws.com/doc/2016-11-15/">{found}</{name}>'


def policies_of(target, name):
    """Return the statements of every policy of a function's role."""
    documents = role.policies_of(target, name)
    return {policy: one["Statement"] for policy, one in documents.items()}
