"""parliament, a linter of IAM policies, on all that this project grants or asks for."""

import json

import pytest
from tests.support import others
from tests.support.aws_target import POLICY, POLICY_OF_CHECK

from rollout.deploy.deployment import FunctionSpec
from rollout.deploy.vpc_efs_config import Efs, Vpc

pytestmark = pytest.mark.soak
ACCESS_POINT = (
    "arn:aws:elasticfilesystem:us-east-1:123456789012:access-point/"
    "fsap-0123456789abcdef0"
)
WHOLE = FunctionSpec(
    url="AWS_IAM",
    bucket="photos",
    sources=("others/2026",),
    vpc=Vpc(subnets=("subnet-1",), security_groups=("sg-1",)),
    efs=Efs(access_point=ACCESS_POINT),
)


# For what a function in a network may not do by itself: AWS docs configuration-vpc.
KNOWN = "lambda:SourceFunctionArn"


def test_a_linter_finds_nothing_new_in_the_policies(target, tmp_path):
    # Low is that a resource is "*": whose network, and which file system, nobody knows.
    command = [others.program("parliament"), "--json", "--minimum_severity", "MEDIUM"]
    policies = {"deploy": POLICY, "check": POLICY_OF_CHECK, **WHOLE.policies(target)}
    for name, policy in policies.items():
        path = tmp_path / f"{name}.json"
        path.write_text(json.dumps(policy))
        with path.open() as policy_file:
            said = others.run(command, tmp_path, policy_file, statuses=(0, 1))
        found = [line for line in said.splitlines() if KNOWN not in line]
        print(f"{name}: {len(said.splitlines())} remarks, {len(found)} new")

        assert found == []
