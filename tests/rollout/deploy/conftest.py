"""The target `aws`, where the function NAME is removed after each test."""

import pytest
from tests.support.aws_target import NAME, POLICY, interfaces

from rollout.deploy.deployment import FunctionSpec, destroy


@pytest.fixture
def aws(gated, gate):
    _, target = gated
    yield target
    gate.policy = POLICY
    gate.answers.clear()
    gate.answers["DescribeNetworkInterfaces"] = (200, interfaces(0))
    destroy(target, NAME)


@pytest.fixture
def spec():
    return FunctionSpec(name=NAME, handler="main.handler", url="AWS_IAM")
