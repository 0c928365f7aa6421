"""parliament, a linter of IAM policies, on all that this project grants or asks for."""

import json

import pytest
from tests.support import others
from tests.support.aws_target import POLICY, POLICY_OF_CHECK

from rollout.deploy.deploy import FunctionSpec
from rollout.deploy.network import Efs, Vpc

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


def test_a_linter_finds_nothing_of_weight_in_the_policies(target, tmp_path):
    program = others.program("parliament")
    policies = {"deploy": POLICY, "check": POLICY_OF_CHECK, **WHOLE.policies(target)}
    for name, policy in policies.items():
        path = tmp_path / f"{name}.json"
        path.write_text(json.dumps(policy))
        with path.open() as policy_file:
            # Low: which file system has an access point is not known beforehand.
            command = [program, "--minimum_severity", "MEDIUM"]
            said = others.run(command, tmp_path, stdin=policy_file)
        print(name, said or "clean")
